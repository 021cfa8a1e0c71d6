#include "models/layers/fully_connected_gelu.h"

#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

// Initial values as PyTorch's: uniform in +-1/sqrt(fan_in).
std::size_t add_parameter(const LayerContext& context, const std::string& name, const tensor::Shape& shape) {
  const tensor::Shape& input = context.input.shape;
  const bool is_weight = shape.size() > 1;
  return context.parameters.add(
      {.name = name,
       .shape = shape,
       .kind = is_weight ? tensor::ParameterKind::kFullyConnected : tensor::ParameterKind::kBias,
       .initial_bound = 1.0 / std::sqrt(static_cast<double>(input.back())),
       .multiplications_per_element =
           is_weight ? static_cast<double>(tensor::elements_of(input) / (input.front() * input.back()))
                     : 0.0});
}

}  // namespace

FullyConnectedGelu::FullyConnectedGelu(const LayerContext& context, const std::string& name,
                                       std::size_t outputs)
    : operations_(context.operations()),
      arena_(context.arena),
      input_form_(context.input),
      needs_input_gradient_(context.needs_input_gradient),
      products_(operations_.make_fully_connected_products(context.input, {.outputs = outputs})),
      weight_(add_parameter(context, name + ".weight", {outputs, context.input.shape.back()})),
      bias_(add_parameter(context, name + ".bias", {outputs})),
      derivative_(context.arena.reserve(products_->output_form())),
      output_(context.arena.reserve(products_->output_form())) {}

tensor::ConstTensor FullyConnectedGelu::forward(tensor::ConstTensor input, const Pass& pass) {
  input_ = input;
  products_->forward(input, pass.value(weight_), {}, derivative_);
  operations_.gelu(pass.value(bias_), derivative_.storage(), output_.storage());
  return output_;
}

tensor::Tensor FullyConnectedGelu::backward(tensor::Tensor output_gradient, const Pass& pass) {
  STERNA_CHECK(input_.data != nullptr);
  operations_.multiply(derivative_.storage(), output_gradient.storage());
  products_->weight_gradient(input_, output_gradient, pass.gradient(weight_), pass.gradient(bias_));
  pass.tell_ready(bias_);
  pass.tell_ready(weight_);
  tensor::Tensor input_gradient{.form = &input_form_, .data = nullptr};
  if (needs_input_gradient_) {
    input_gradient = arena_.borrow(input_form_);
    products_->input_gradient(output_gradient, pass.value(weight_), input_gradient);
  }
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
