// The seam of arithmetic: the three matrix products of a layer with weights.
//
// All floating-point work that grows with the cube goes through this interface, so that reduced precision is
// a decorator that rounds operands before it hands them on, and another device is another implementation.
#pragma once

#include <span>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// The product that is about to repeat with the same weights.
enum class WeightUse { kForward, kInputGradient };

// Made for one form of input, and called by one thread at a time. Each product is linear in both of its
// operands. Weights and bias are plain: [out, in] or [out, in, height, width], and [out].
class Products {
 public:
  virtual ~Products() = default;

  [[nodiscard]] virtual const TensorForm& output_form() const = 0;

  // output = f(weights * input + bias), where f is the identity or, if so constructed, max(., 0). Bias and f
  // are no part of the product: a decorator that rounds leaves them alone.
  //   bias  [out], or empty: none
  virtual void forward(ConstTensor input, std::span<const float> weights, std::span<const float> bias,
                       Tensor output) = 0;

  // Overwrites the gradients of weights and bias, summed over the batch.
  //   output_gradient  that of weights * input + bias, so already masked where f is max(., 0)
  //   bias             [out], or empty: none
  virtual void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                               std::span<float> bias) = 0;

  // Overwrites the gradient of the input, which has the input's form.
  virtual void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                              Tensor input_gradient) = 0;

  // Announces calls of one product with these weights, whose values stay as they are until release_weights():
  // a recurrent layer multiplies with them at every time step. An implementation may rearrange them once, and
  // a decorator round them once. Results are those of calls without it, up to rounding.
  virtual void hold_weights(std::span<const float> /*weights*/, WeightUse) {}
  virtual void release_weights() {}
};

}  // namespace sterna::tensor
