#include "models/layers/residual.h"

#include "runtime/core/errors.h"

namespace sterna::models {

Residual::Residual(const LayerContext& context, const std::function<void(Sequential&)>& add_layers)
    : operations_(context.operations()),
      arena_(context.arena),
      form_(context.input),
      layers_(context),
      output_(context.arena.reserve(form_)) {
  STERNA_CHECK(context.needs_input_gradient == true);
  add_layers(layers_);
  STERNA_CHECK((layers_.output_form().shape == form_.shape) == true);
}

tensor::ConstTensor Residual::forward(tensor::ConstTensor input, const Pass& pass) {
  operations_.add(input.storage(), layers_.forward(input, pass).storage(), output_.storage());
  return output_;
}

// The gradient goes both ways: around f as it is, and through f in borrowed memory.
tensor::Tensor Residual::backward(tensor::Tensor output_gradient, const Pass& pass) {
  const tensor::Tensor through = arena_.borrow(form_);
  operations_.copy(output_gradient.storage(), through.storage());
  const tensor::Tensor input_gradient = layers_.backward(through, pass);
  operations_.add(input_gradient.storage(), output_gradient.storage(), output_gradient.storage());
  arena_.give_back(input_gradient);
  return {.form = &form_, .data = output_gradient.data};
}

}  // namespace sterna::models
