#include "models/layers/batch_norm.h"

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

// PyTorch's defaults.
constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.1;

tensor::Parameter channel_numbers(const LayerContext& context, const std::string& name, double initial) {
  return {.name = name,
          .shape = {context.input.shape[1]},
          .kind = tensor::ParameterKind::kNormalisation,
          .initial_value = initial,
          .multiplications_per_element = 0.0};
}

const tensor::TensorForm& checked(const tensor::TensorForm& form) {
  STERNA_CHECK(form.shape.size() == 4u);
  if (form.shape[0] * form.shape[2] * form.shape[3] > 1) return form;
  throw ConfigError(
      "[models] batch = 1: batch normalisation needs more than one value a channel, and these images have "
      "shrunk to one; take more samples a batch, or larger images");
}

}  // namespace

BatchNorm::BatchNorm(const LayerContext& context, const std::string& name, tensor::kernels::Clamp clamp)
    : arena_(context.arena),
      form_(checked(context.input)),
      weight_(context.parameters.add(channel_numbers(context, name + ".weight", 1.0))),
      bias_(context.parameters.add(channel_numbers(context, name + ".bias", 0.0))),
      running_mean_(context.statistics.add(channel_numbers(context, name + ".running_mean", 0.0))),
      running_variance_(context.statistics.add(channel_numbers(context, name + ".running_var", 1.0))),
      normalisation_(context.operations().make_channel_normalisation(form_, kEpsilon, clamp)),
      output_(context.arena.reserve(form_)) {}

tensor::ConstTensor BatchNorm::forward(tensor::ConstTensor input, const Pass& pass) {
  return forward_adding(input, {}, pass);
}

tensor::ConstTensor BatchNorm::forward_adding(tensor::ConstTensor input, tensor::ConstTensor addend,
                                              const Pass& pass) {
  input_ = input;
  const tensor::ScaleAndShift learned{.scale = pass.value(weight_), .shift = pass.value(bias_)};
  if (pass.is_training) {
    normalisation_->forward_batch(input, learned, addend, output_);
    normalisation_->move_statistics(kMomentum, pass.statistic(running_mean_),
                                    pass.statistic(running_variance_));
  } else {
    normalisation_->forward_with(pass.statistic(running_mean_), pass.statistic(running_variance_), input,
                                 learned, addend, output_);
  }
  return output_;
}

// In place: the gradient of the output becomes that of the input, which has the same form.
tensor::Tensor BatchNorm::backward(tensor::Tensor output_gradient, const Pass& pass) {
  normalisation_->reduce_gradient(input_, output_, output_gradient, pass.gradient(weight_),
                                  pass.gradient(bias_));
  tell_ready(pass);
  normalisation_->input_gradient(input_, output_gradient, output_gradient);
  return output_gradient;
}

tensor::Tensor BatchNorm::backward_adding(tensor::Tensor output_gradient, const Pass& pass) {
  normalisation_->reduce_gradient(input_, output_, output_gradient, pass.gradient(weight_),
                                  pass.gradient(bias_));
  const tensor::Tensor input_gradient = arena_.borrow(form_);
  normalisation_->input_gradient(input_, output_gradient, input_gradient);
  return input_gradient;
}

void BatchNorm::tell_ready(const Pass& pass) const {
  pass.tell_ready(bias_);
  pass.tell_ready(weight_);
}

}  // namespace sterna::models
