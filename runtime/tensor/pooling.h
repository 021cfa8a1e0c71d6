// One number for each window of an image: the largest, or the mean.
#pragma once

#include <cstddef>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// Largest value of each window, and where it was. Input [B, channels, height, width] in any layout, which the
// output shares. Rows and columns that fill no whole window are left out, as in PyTorch. A NaN is larger than
// any number; of equal values the first in row-major order counts.
struct PoolingShape {
  std::size_t window;  // rows and columns
  std::size_t stride;
  std::size_t padding = 0;  // on each side, at most half a window; never the largest value
};

// Mean of each window; one of the two is 0; if both are, the window is the whole image. Input [B, channels,
// height, width] in any layout. The output has its layout, and is
//   [B, channels, height / window, width / window]: what fills no whole window is left out, as in PyTorch;
//   [B, channels, outputs, outputs]: window i of n has rows floor(i height / n) to ceil((i + 1) height / n),
//   as in torch.nn.AdaptiveAvgPool2d; they overlap where n does not divide the height;
//   or plain [B, channels], the mean of the whole image.
struct AveragePoolingShape {
  std::size_t window = 0;   // rows and columns
  std::size_t outputs = 0;  // rows and columns of the output
};

// Made for one form of input.
class Pooling {
 public:
  virtual ~Pooling() = default;

  [[nodiscard]] virtual const TensorForm& output_form() const = 0;

  virtual void forward(ConstTensor input, Tensor output) = 0;

  // Overwrites the gradient of the input of the last forward(): of largest values, each window's gradient
  // goes to its own; of means, in equal shares to all of the window. Where windows overlap, they add up.
  virtual void backward(ConstTensor output_gradient, Tensor input_gradient) = 0;
};

}  // namespace sterna::tensor
