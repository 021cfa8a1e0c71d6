#include "runtime/tensor/average_pooling.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::tensor {
namespace {

constexpr std::size_t kMostLanes = 16;

}  // namespace

AveragePooling::AveragePooling(const TensorForm& input, std::size_t window)
    : lanes_(input.lanes()),
      planes_((input.shape[1] + lanes_ - 1) / lanes_),
      samples_(input.shape[0]),
      channels_(input.shape[1]),
      height_(input.shape[2]),
      width_(input.shape[3]),
      window_height_(window == 0 ? height_ : window),
      window_width_(window == 0 ? width_ : window),
      output_height_(height_ / window_height_),
      output_width_(width_ / window_width_),
      is_global_(window == 0) {
  STERNA_CHECK(lanes_ <= kMostLanes);
  STERNA_CHECK((output_height_ * output_width_) > 0u);
  if (is_global_) {
    output_form_ = {.shape = {samples_, channels_}, .blocks = nullptr};
  } else {
    output_form_ = input.resized({samples_, channels_, output_height_, output_width_});
  }
}

// The first lane of a window's output.
std::size_t AveragePooling::output_element(std::size_t plane, std::size_t position) const {
  if (is_global_) return plane / planes_ * channels_ + plane % planes_ * lanes_;
  return (plane * output_height_ * output_width_ + position) * lanes_;
}

void AveragePooling::forward(ConstTensor input, Tensor output) const {
  const float weight = 1.0f / static_cast<float>(window_height_ * window_width_);
#pragma omp parallel for
  for (std::size_t plane = 0; plane < samples_ * planes_; ++plane) {
    // A plain output has no room for the lanes that pad a block.
    const std::size_t lanes = is_global_ ? std::min(lanes_, channels_ - plane % planes_ * lanes_) : lanes_;
    for (std::size_t position = 0; position < output_height_ * output_width_; ++position) {
      const std::size_t y = position / output_width_ * window_height_;
      const std::size_t x = position % output_width_ * window_width_;
      float sums[kMostLanes] = {};
      for (std::size_t row = y; row < y + window_height_; ++row) {
        const float* from = input.data + ((plane * height_ + row) * width_ + x) * lanes_;
        for (std::size_t column = 0; column < window_width_; ++column, from += lanes_) {
          for (std::size_t lane = 0; lane < lanes_; ++lane) sums[lane] += from[lane];
        }
      }
      float* const to = output.data + output_element(plane, position);
      for (std::size_t lane = 0; lane < lanes; ++lane) to[lane] = sums[lane] * weight;
    }
  }
}

void AveragePooling::backward(ConstTensor output_gradient, Tensor input_gradient) const {
  const float weight = 1.0f / static_cast<float>(window_height_ * window_width_);
  const std::size_t plane_elements = height_ * width_ * lanes_;
#pragma omp parallel for
  for (std::size_t plane = 0; plane < samples_ * planes_; ++plane) {
    std::fill_n(input_gradient.data + plane * plane_elements, plane_elements, 0.0f);
    const std::size_t lanes = is_global_ ? std::min(lanes_, channels_ - plane % planes_ * lanes_) : lanes_;
    for (std::size_t position = 0; position < output_height_ * output_width_; ++position) {
      const std::size_t y = position / output_width_ * window_height_;
      const std::size_t x = position % output_width_ * window_width_;
      float shares[kMostLanes] = {};
      const float* const from = output_gradient.data + output_element(plane, position);
      for (std::size_t lane = 0; lane < lanes; ++lane) shares[lane] = from[lane] * weight;
      for (std::size_t row = y; row < y + window_height_; ++row) {
        float* to = input_gradient.data + ((plane * height_ + row) * width_ + x) * lanes_;
        for (std::size_t column = 0; column < window_width_; ++column, to += lanes_) {
          for (std::size_t lane = 0; lane < lanes_; ++lane) to[lane] = shares[lane];
        }
      }
    }
  }
}

}  // namespace sterna::tensor
