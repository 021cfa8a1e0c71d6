// Fully connected layer with bias and GELU, x P(x) with the normal distribution function P; torch.nn.Linear
// and torch.nn.GELU. Bias, activation and its derivative take one pass over the product's output, and
// backward one multiplication.
#pragma once

#include <memory>
#include <string>

#include "models/layers/layer.h"
#include "runtime/tensor/products.h"

namespace sterna::models {

// [B, ..., in] -> [B, ..., out], both plain. Parameters as FullyConnected's.
class FullyConnectedGelu final : public Layer {
 public:
  FullyConnectedGelu(const LayerContext& context, const std::string& name, std::size_t outputs);

  const tensor::TensorForm& output_form() const override { return products_->output_form(); }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  bool needs_input_gradient_;
  std::unique_ptr<tensor::Products> products_;
  std::size_t weight_;
  std::size_t bias_;
  tensor::ConstTensor input_;  // of the last forward()
  tensor::Tensor derivative_;  // of the activation
  tensor::Tensor output_;
};

}  // namespace sterna::models
