// The three products of a convolution, by oneDNN, in the layout that it likes best on this processor.
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/products.h"

namespace sterna::tensor {

struct ConvolutionShape {
  std::size_t outputs;  // channels
  std::size_t kernel;   // rows and columns
  std::size_t stride = 1;
  std::size_t padding = 0;  // zeros on each side
  std::size_t groups = 1;   // of channels, each with its own weights; divides inputs and outputs
  bool has_bias = true;
  bool has_relu = false;  // a NaN may become 0 in it: oneDNN's fused max(., 0) does not keep NaNs
  bool needs_input_gradient = true;
};

// Input [B, in, height, width]; weights [out, in / groups, kernel, kernel]; output [B, out, height', width']
// with height' = (height + 2 padding - kernel) / stride + 1.
[[nodiscard]] std::unique_ptr<Products> make_convolution_products(const TensorForm& input,
                                                                  const ConvolutionShape& shape,
                                                                  Arena& arena);

}  // namespace sterna::tensor
