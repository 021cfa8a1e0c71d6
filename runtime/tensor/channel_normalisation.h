// Normalises each channel over batch, rows and columns, with an addition and a clamp behind it in one pass.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/tensor/kernels/normalisation.h"
#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// The learned factor and offset of each channel; each [channels].
struct ScaleAndShift {
  std::span<const float> scale;
  std::span<const float> shift;
};

// Made for one form of input, [B, channels, height, width] in any layout with at least 2 values a channel;
// the output has its form. Keeps the moments of the last forward_batch(), [channels] each, until the next
// one.
class ChannelNormalisation {
 public:
  virtual ~ChannelNormalisation() = default;

  // output = clamp((input - mean) / sqrt(variance + epsilon) * scale + shift + addend), with mean and
  // (biased) variance of the input itself.
  //   addend  as the input; its data may be null: none
  virtual void forward_batch(ConstTensor input, const ScaleAndShift& learned, ConstTensor addend,
                             Tensor output) = 0;

  // Of the last forward_batch(): with n values a channel,
  //   means = (1 - momentum) means + momentum * mean,
  //   variances = (1 - momentum) variances + momentum * variance * n / (n - 1);
  // each [channels].
  virtual void move_statistics(double momentum, std::span<float> means, std::span<float> variances) = 0;

  // The same as forward_batch() with means and variances from elsewhere, [channels]; for evaluation.
  virtual void forward_with(std::span<const float> means, std::span<const float> variances, ConstTensor input,
                            const ScaleAndShift& learned, ConstTensor addend, Tensor output) = 0;

  // The first half of backward, for the last forward_batch(): overwrites the gradients of scale and shift.
  // Where there was an addend, `output` is that call's output, and the output gradient becomes the addend's:
  // 0 where the output lies on a limit of the clamp. Without an addend it stays as it is.
  virtual void reduce_gradient(ConstTensor input, ConstTensor output, Tensor output_gradient,
                               std::span<float> scale, std::span<float> shift) = 0;

  // The second half, for the gradient that the first one left; may be in place.
  virtual void input_gradient(ConstTensor input, ConstTensor output_gradient, Tensor input_gradient) = 0;
};

}  // namespace sterna::tensor
