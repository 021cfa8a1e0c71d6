// The end of blocked layouts: [B, channels, height, width] becomes plain [B, channels * height * width], in
// the order of torch.nn.Flatten.
#pragma once

#include <memory>

#include "models/layers/layer.h"
#include "runtime/tensor/reorder.h"

namespace sterna::models {

class Flatten final : public Layer {
 public:
  explicit Flatten(const LayerContext& context);

  const tensor::TensorForm& output_form() const override { return output_form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  tensor::TensorForm output_form_;
  std::unique_ptr<tensor::Reorder> reorder_;  // none: the input is plain already, and only the shape changes
  tensor::Tensor output_;
};

}  // namespace sterna::models
