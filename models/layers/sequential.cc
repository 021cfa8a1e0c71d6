#include "models/layers/sequential.h"

namespace sterna::models {

Sequential::Sequential(const LayerContext& context)
    : context_(context), parameters_before_(context.parameters.size()) {}

const tensor::TensorForm& Sequential::output_form() const {
  return layers_.empty() ? context_.input : layers_.back()->output_form();
}

LayerContext Sequential::next_context() const {
  const bool has_parameters = context_.parameters.size() > parameters_before_;
  return {.parameters = context_.parameters,
          .statistics = context_.statistics,
          .arena = context_.arena,
          .input = output_form(),
          .needs_input_gradient = context_.needs_input_gradient || has_parameters};
}

tensor::ConstTensor Sequential::forward(tensor::ConstTensor input, const Pass& pass) {
  tensor::ConstTensor activation = input;
  for (const auto& layer : layers_) activation = layer->forward(activation, pass);
  return activation;
}

tensor::Tensor Sequential::backward(tensor::Tensor output_gradient, const Pass& pass) {
  tensor::Tensor gradient = output_gradient;
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    gradient = (*layer)->backward(gradient, pass);
    if (gradient.data == nullptr) break;  // no layer before this one has parameters
  }
  return gradient;
}

double Sequential::multiplications_of_activations() const {
  double sum = 0.0;
  for (const auto& layer : layers_) sum += layer->multiplications_of_activations();
  return sum;
}

}  // namespace sterna::models
