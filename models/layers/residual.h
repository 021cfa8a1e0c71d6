// x + f(x), where f is a chain of layers, and itself a layer.
#pragma once

#include <functional>

#include "models/layers/sequential.h"

namespace sterna::models {

class Residual final : public Layer {
 public:
  // `add_layers` appends f, whose output has the form of its input and which has parameters.
  Residual(const LayerContext& context, const std::function<void(Sequential&)>& add_layers);

  const tensor::TensorForm& output_form() const override { return form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;
  double multiplications_of_activations() const override { return layers_.multiplications_of_activations(); }

 private:
  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm form_;
  Sequential layers_;
  tensor::Tensor output_;
};

}  // namespace sterna::models
