// max(., 0) as a layer of its own, for places where no product comes before it; torch.nn.ReLU.
#pragma once

#include "models/layers/layer.h"

namespace sterna::models {

// Any form -> the same form.
class Relu final : public Layer {
 public:
  explicit Relu(const LayerContext& context);

  const tensor::TensorForm& output_form() const override { return form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Operations& operations_;
  tensor::TensorForm form_;
  tensor::Tensor output_;
};

}  // namespace sterna::models
