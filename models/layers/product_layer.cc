#include "models/layers/product_layer.h"

#include <cmath>
#include <utility>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

double initial_bound(const tensor::Shape& weight_shape) {
  const std::size_t fan_in = tensor::elements_of(weight_shape) / weight_shape.front();
  return 1.0 / std::sqrt(static_cast<double>(fan_in));
}

std::size_t add_weight(tensor::ParameterTable& table, const ProductParameters& parameters) {
  return table.add({.name = parameters.name + ".weight",
                    .shape = parameters.weight_shape,
                    .kind = parameters.kind,
                    .initial_bound = initial_bound(parameters.weight_shape),
                    .multiplications_per_element = parameters.multiplications_per_element});
}

std::optional<std::size_t> add_bias(tensor::ParameterTable& table, const ProductParameters& parameters) {
  if (!parameters.has_bias) return std::nullopt;
  return table.add({.name = parameters.name + ".bias",
                    .shape = {parameters.weight_shape.front()},
                    .kind = tensor::ParameterKind::kBias,
                    .initial_bound = initial_bound(parameters.weight_shape),
                    .multiplications_per_element = 0.0});
}

}  // namespace

ProductLayer::ProductLayer(const LayerContext& context, std::unique_ptr<tensor::Products> products,
                           const ProductParameters& parameters, bool has_relu)
    : operations_(context.operations()),
      arena_(context.arena),
      input_form_(context.input),
      needs_input_gradient_(context.needs_input_gradient),
      products_(std::move(products)),
      has_relu_(has_relu),
      weight_(add_weight(context.parameters, parameters)),
      bias_(add_bias(context.parameters, parameters)),
      output_(context.arena.reserve(products_->output_form())) {}

tensor::ConstTensor ProductLayer::forward(tensor::ConstTensor input, const Pass& pass) {
  input_ = input;
  products_->forward(input, pass.value(weight_), bias_ ? pass.value(*bias_) : std::span<const float>(),
                     output_);
  return output_;
}

tensor::Tensor ProductLayer::backward(tensor::Tensor output_gradient, const Pass& pass) {
  STERNA_CHECK(input_.data != nullptr);
  if (has_relu_) operations_.mask_relu_gradient(output_.storage(), output_gradient.storage());
  products_->weight_gradient(input_, output_gradient, pass.gradient(weight_),
                             bias_ ? pass.gradient(*bias_) : std::span<float>());
  // The exchange may start on these while the products below still run.
  if (bias_) pass.tell_ready(*bias_);
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
