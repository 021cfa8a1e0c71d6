#include "runtime/tensor/average_pooling.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::tensor {
namespace {

constexpr std::size_t kMostLanes = 16;

}  // namespace

AveragePooling::AveragePooling(const TensorForm& input, const AveragePoolingShape& shape)
    : lanes_(input.lanes()),
      planes_((input.shape[1] + lanes_ - 1) / lanes_),
      samples_(input.shape[0]),
      channels_(input.shape[1]),
      height_(input.shape[2]),
      width_(input.shape[3]),
      rows_(windows(height_, shape)),
      columns_(windows(width_, shape)),
      is_global_(shape.window == 0 && shape.outputs == 0) {
  STERNA_CHECK(lanes_ <= kMostLanes);
  STERNA_CHECK((rows_.size() * columns_.size()) > 0u);
  if (is_global_) {
    output_form_ = {.shape = {samples_, channels_}, .blocks = nullptr};
  } else {
    output_form_ = input.resized({samples_, channels_, rows_.size(), columns_.size()});
  }
}

std::vector<AveragePooling::Range> AveragePooling::windows(std::size_t extent,
                                                           const AveragePoolingShape& shape) {
  STERNA_CHECK((shape.window == 0 || shape.outputs == 0) == true);
  std::vector<Range> ranges;
  if (shape.window > 0) {
    for (std::size_t begin = 0; begin + shape.window <= extent; begin += shape.window) {
      ranges.push_back({begin, begin + shape.window});
    }
    return ranges;
  }
  const std::size_t outputs = std::max<std::size_t>(shape.outputs, 1);
  for (std::size_t i = 0; i < outputs; ++i) {
    ranges.push_back({i * extent / outputs, ((i + 1) * extent + outputs - 1) / outputs});
  }
  return ranges;
}

float AveragePooling::weight_of(std::size_t position) const {
  const Range& rows = rows_[position / columns_.size()];
  const Range& columns = columns_[position % columns_.size()];
  return 1.0f / static_cast<float>((rows.end - rows.begin) * (columns.end - columns.begin));
}

// The first lane of a window's output.
std::size_t AveragePooling::output_element(std::size_t plane, std::size_t position) const {
  if (is_global_) return plane / planes_ * channels_ + plane % planes_ * lanes_;
  return (plane * rows_.size() * columns_.size() + position) * lanes_;
}

void AveragePooling::forward(ConstTensor input, Tensor output) {
#pragma omp parallel for
  for (std::size_t plane = 0; plane < samples_ * planes_; ++plane) {
    // A plain output has no room for the lanes that pad a block.
    const std::size_t lanes = is_global_ ? std::min(lanes_, channels_ - plane % planes_ * lanes_) : lanes_;
    for (std::size_t position = 0; position < rows_.size() * columns_.size(); ++position) {
      const Range& rows = rows_[position / columns_.size()];
      const Range& columns = columns_[position % columns_.size()];
      float sums[kMostLanes] = {};
      for (std::size_t row = rows.begin; row < rows.end; ++row) {
        const float* from = input.data + ((plane * height_ + row) * width_ + columns.begin) * lanes_;
        for (std::size_t column = columns.begin; column < columns.end; ++column, from += lanes_) {
          for (std::size_t lane = 0; lane < lanes_; ++lane) sums[lane] += from[lane];
        }
      }
      const float weight = weight_of(position);
      float* const to = output.data + output_element(plane, position);
      for (std::size_t lane = 0; lane < lanes; ++lane) to[lane] = sums[lane] * weight;
    }
  }
}

void AveragePooling::backward(ConstTensor output_gradient, Tensor input_gradient) {
  const std::size_t plane_elements = height_ * width_ * lanes_;
#pragma omp parallel for
  for (std::size_t plane = 0; plane < samples_ * planes_; ++plane) {
    std::fill_n(input_gradient.data + plane * plane_elements, plane_elements, 0.0f);
    const std::size_t lanes = is_global_ ? std::min(lanes_, channels_ - plane % planes_ * lanes_) : lanes_;
    for (std::size_t position = 0; position < rows_.size() * columns_.size(); ++position) {
      const Range& rows = rows_[position / columns_.size()];
      const Range& columns = columns_[position % columns_.size()];
      const float weight = weight_of(position);
      float shares[kMostLanes] = {};
      const float* const from = output_gradient.data + output_element(plane, position);
      for (std::size_t lane = 0; lane < lanes; ++lane) shares[lane] = from[lane] * weight;
      for (std::size_t row = rows.begin; row < rows.end; ++row) {
        float* to = input_gradient.data + ((plane * height_ + row) * width_ + columns.begin) * lanes_;
        for (std::size_t column = columns.begin; column < columns.end; ++column, to += lanes_) {
          for (std::size_t lane = 0; lane < lanes_; ++lane) to[lane] += shares[lane];
        }
      }
    }
  }
}

}  // namespace sterna::tensor
