// What a convolution is, whoever computes it.
#pragma once

#include <cstddef>

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

}  // namespace sterna::tensor
