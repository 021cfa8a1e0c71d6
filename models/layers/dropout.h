// Clears each element with some probability in training, and scales the others so that the expectation
// stays; hands its input on in evaluation. torch.nn.Dropout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "models/layers/layer.h"
#include "runtime/tensor/keep_mask.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::models {

struct DropoutOptions {
  double probability;        // of being cleared, in [0, 1); 0 costs nothing
  std::uint16_t number = 0;  // tells the dropouts of one model apart: equal numbers give equal masks
};

// What is cleared is a function of seed, learner, step, number and element alone.
[[nodiscard]] tensor::kernels::KeepRule keep_rule(const DropoutOptions& options, const PassKey& key);

// Any form -> the same form.
class Dropout final : public Layer {
 public:
  Dropout(const LayerContext& context, const DropoutOptions& options);

  const tensor::TensorForm& output_form() const override { return form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::TensorForm form_;
  DropoutOptions options_;
  std::unique_ptr<tensor::KeepMask> mask_;  // none: nothing is ever cleared
  tensor::Tensor output_;
};

}  // namespace sterna::models
