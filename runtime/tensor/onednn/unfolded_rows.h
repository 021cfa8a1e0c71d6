// Turns images of one channel into images whose channels are the columns of a kernel, for the gradient of its
// weights.
//
// oneDNN fills one channel up to a block of eight and multiplies seven parts of zeros. With the K columns of
// the kernel as channels, a K x K convolution of 1 channel is a K x 1 convolution of K: 5 of 8 parts count.
// For lenet's first layer (64 samples, one thread, AVX2) the gradient took 9.4 ms as oneDNN does it, and
// takes 2.6 ms so.
#pragma once

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/onednn/convolution_products.h"
#include "runtime/tensor/tensor.h"

namespace sterna::tensor::onednn {

class UnfoldedRows {
 public:
  // Whether an input of this shape, [B, channels, height, width], gains by it.
  [[nodiscard]] static bool pays(const Shape& input, const ConvolutionShape& shape);

  UnfoldedRows(const Shape& input, std::size_t output_width, const ConvolutionShape& shape, Arena& arena);

  // [B, K, height, output width], channels innermost.
  [[nodiscard]] const dnnl::memory::desc& layout() const { return layout_; }

  // Element (b, k, y, x) is the input's at row y and column x * stride + k - padding, 0 outside. Valid until
  // the next call; the form is not set, see layout().
  [[nodiscard]] ConstTensor unfold(ConstTensor input);

 private:
  std::size_t rows_;  // B * height
  std::size_t width_;
  std::size_t output_width_;
  ConvolutionShape shape_;
  dnnl::memory::desc layout_;
  std::span<float> unfolded_;
};

}  // namespace sterna::tensor::onednn
