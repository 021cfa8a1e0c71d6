#include "runtime/tensor/onednn/unfolded_rows.h"

namespace sterna::tensor::onednn {
namespace {

dnnl::memory::desc channels_innermost(const Shape& shape) {
  return {{shape.begin(), shape.end()}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::nhwc};
}

}  // namespace

bool UnfoldedRows::pays(const Shape& input, const ConvolutionShape& shape) {
  return input[1] == 1 && shape.kernel > 1;
}

UnfoldedRows::UnfoldedRows(const Shape& input, std::size_t output_width, const ConvolutionShape& shape,
                           Arena& arena)
    : rows_(input[0] * input[2]),
      width_(input[3]),
      output_width_(output_width),
      shape_(shape),
      layout_(channels_innermost({input[0], shape.kernel, input[2], output_width})),
      unfolded_(arena.reserve(rows_ * output_width * shape.kernel)) {}

ConstTensor UnfoldedRows::unfold(ConstTensor input) {
#pragma omp parallel for
  for (std::size_t row = 0; row < rows_; ++row) {
    const float* const from = input.data + row * width_;
    float* to = unfolded_.data() + row * output_width_ * shape_.kernel;
    for (std::size_t x = 0; x < output_width_; ++x) {
      for (std::size_t k = 0; k < shape_.kernel; ++k) {
        const std::size_t column = x * shape_.stride + k - shape_.padding;  // wraps around left of the image
        *to++ = column < width_ ? from[column] : 0.0f;
      }
    }
  }
  return {nullptr, unfolded_.data()};
}

}  // namespace sterna::tensor::onednn
