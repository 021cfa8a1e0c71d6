#include "models/layers/layer_norm.h"

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

std::size_t add_parameter(const LayerContext& context, const std::string& name, double initial_value) {
  return context.parameters.add({.name = name,
                                 .shape = {context.input.shape.back()},
                                 .kind = tensor::ParameterKind::kNormalisation,
                                 .initial_value = initial_value,
                                 .multiplications_per_element = 0.0});
}

}  // namespace

LayerNorm::LayerNorm(const LayerContext& context, const std::string& name, const LayerNormOptions& options)
    : operations_(context.operations()),
      form_(context.input),
      features_(form_.shape.back()),
      rows_(tensor::elements_of(form_.shape) / features_),
      epsilon_(static_cast<float>(options.epsilon)),
      weight_(add_parameter(context, name + ".weight", 1.0)),
      bias_(add_parameter(context, name + ".bias", 0.0)),
      means_(context.arena.reserve(rows_)),
      inverse_deviations_(context.arena.reserve(rows_)),
      output_(context.arena.reserve(form_)) {
  STERNA_CHECK(form_.is_plain() == true);
}

tensor::kernels::NormalisedRows LayerNorm::rows_of_input(const Pass& pass) const {
  return {.input = input_.data,
          .scale = pass.value(weight_).data(),
          .rows = rows_,
          .features = features_,
          .means = means_.data(),
          .inverse_deviations = inverse_deviations_.data()};
}

tensor::ConstTensor LayerNorm::forward(tensor::ConstTensor input, const Pass& pass) {
  input_ = input;
  operations_.normalise_rows(rows_of_input(pass), pass.value(bias_), epsilon_, output_.data);
  return output_;
}

// In place: the gradient of the output becomes that of the input, which has the same form.
tensor::Tensor LayerNorm::backward(tensor::Tensor output_gradient, const Pass& pass) {
  STERNA_CHECK(input_.data != nullptr);
  operations_.normalise_rows_backward(rows_of_input(pass), output_gradient.data, pass.gradient(weight_),
                                      pass.gradient(bias_));
  pass.tell_ready(bias_);
  pass.tell_ready(weight_);
  return {.form = &form_, .data = output_gradient.data};
}

}  // namespace sterna::models
