// The mean of a sequence; torch.mean(input, 1).
#pragma once

#include "models/layers/layer.h"

namespace sterna::models {

// Plain [B, T, features] -> plain [B, features].
class MeanOverPositions final : public Layer {
 public:
  explicit MeanOverPositions(const LayerContext& context);

  const tensor::TensorForm& output_form() const override { return output_form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  tensor::TensorForm output_form_;
  bool needs_input_gradient_;
  tensor::Tensor output_;
};

}  // namespace sterna::models
