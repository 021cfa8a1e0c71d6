#include "models/layers/lstm_direction.h"

#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

using tensor::WeightUse;

struct NewParameter {
  const char* role;
  tensor::Shape shape;
  double multiplications_per_element;
};

std::size_t add(const LayerContext& context, const LstmDirectionOptions& options,
                const NewParameter& parameter) {
  const bool is_bias = parameter.shape.size() == 1;
  return context.parameters.add(
      {.name = options.name + "." + parameter.role + options.suffix,
       .shape = parameter.shape,
       .kind = is_bias ? tensor::ParameterKind::kBias : tensor::ParameterKind::kRecurrent,
       .initial_bound = 1.0 / std::sqrt(static_cast<double>(options.units)),
       .multiplications_per_element = parameter.multiplications_per_element});
}

tensor::TensorForm plain(const tensor::Shape& shape) {
  return {.shape = shape, .blocks = nullptr};
}

}  // namespace

LstmDirection::LstmDirection(const LayerContext& context, const LstmDirectionOptions& options)
    : operations_(context.operations()),
      arena_(context.arena),
      times_(context.input.shape[0]),
      sequences_(context.input.shape[1]),
      units_(options.units),
      is_reverse_(options.is_reverse),
      input_weight_(add(context, options,
                        {.role = "weight_ih",
                         .shape = {4 * units_, context.input.shape[2]},
                         .multiplications_per_element = static_cast<double>(times_)})),
      // The state before the first step is 0 and takes no product.
      state_weight_(add(context, options,
                        {.role = "weight_hh",
                         .shape = {4 * units_, units_},
                         .multiplications_per_element = static_cast<double>(times_ - 1)})),
      input_bias_(add(context, options, {"bias_ih", {4 * units_}, 0.0})),
      state_bias_(add(context, options, {"bias_hh", {4 * units_}, 0.0})),
      gates_form_(plain({times_, sequences_, 4 * units_})),
      states_form_(plain({times_, sequences_, units_})),
      step_gates_form_(plain({sequences_, 4 * units_})),
      step_state_form_(plain({sequences_, units_})),
      later_gates_form_(plain({times_ - 1, sequences_, 4 * units_})),
      earlier_states_form_(plain({times_ - 1, sequences_, units_})),
      input_products_(operations_.make_fully_connected_products(context.input, {.outputs = 4 * units_})),
      state_products_(operations_.make_repeated_products(step_state_form_, 4 * units_, context.arena)),
      gates_(context.arena.reserve(gates_form_)),
      cells_(context.arena.reserve(states_form_)),
      states_(context.arena.reserve(states_form_)),
      bias_(context.arena.reserve(4 * units_)) {
  if (times_ > 1) {
    state_products_over_time_ =
        operations_.make_fully_connected_products(earlier_states_form_, {.outputs = 4 * units_});
  }
}

std::size_t LstmDirection::time_of(std::size_t step) const {
  return is_reverse_ ? times_ - 1 - step : step;
}

tensor::Tensor LstmDirection::gates_at(std::size_t step) const {
  return {&step_gates_form_, gates_.data + time_of(step) * sequences_ * 4 * units_};
}

tensor::Tensor LstmDirection::state_at(std::size_t step) const {
  return {&step_state_form_, states_.data + time_of(step) * sequences_ * units_};
}

float* LstmDirection::cell_at(std::size_t step) const {
  return cells_.data + time_of(step) * sequences_ * units_;
}

tensor::ConstTensor LstmDirection::forward(tensor::ConstTensor input, const Pass& pass) {
  operations_.add(pass.value(input_bias_), pass.value(state_bias_), bias_);
  input_products_->forward(input, pass.value(input_weight_), bias_, gates_);
  forward_in_time(pass);
  return states_;
}

void LstmDirection::forward_in_time(const Pass& pass) {
  const tensor::LstmStep extents{.sequences = sequences_, .units = units_};
  const std::span<const float> weights = pass.value(state_weight_);
  const tensor::Tensor from_state = arena_.borrow(step_gates_form_);
  state_products_->hold_weights(weights, WeightUse::kForward);
  for (std::size_t step = 0; step < times_; ++step) {
    const bool is_first = step == 0;
    if (!is_first) state_products_->forward(state_at(step - 1), weights, {}, from_state);
    operations_.lstm_cells_forward(extents, {.from_state = is_first ? nullptr : from_state.data,
                                             .cell_before = is_first ? nullptr : cell_at(step - 1),
                                             .gates = gates_at(step).data,
                                             .cell = cell_at(step),
                                             .state = state_at(step).data});
  }
  state_products_->release_weights();
  arena_.give_back(from_state);
}

void LstmDirection::backward(tensor::ConstTensor input, const OutputGradient& output_gradient,
                             const Pass& pass, tensor::Tensor input_gradient) {
  backward_in_time(output_gradient, pass);
  const std::span<float> bias = pass.gradient(input_bias_);
  input_products_->weight_gradient(input, gates_, pass.gradient(input_weight_), bias);
  operations_.copy(bias, pass.gradient(state_bias_));
  pass.tell_ready(state_bias_);
  pass.tell_ready(input_bias_);
  recurrent_weight_gradient(pass.gradient(state_weight_));
  pass.tell_ready(state_weight_);
  pass.tell_ready(input_weight_);
  if (input_gradient.data != nullptr) {
    input_products_->input_gradient(gates_, pass.value(input_weight_), input_gradient);
  }
}

void LstmDirection::backward_in_time(const OutputGradient& output_gradient, const Pass& pass) {
  const tensor::LstmStep extents{.sequences = sequences_, .units = units_};
  const std::span<const float> weights = pass.value(state_weight_);
  const tensor::Tensor of_state = arena_.borrow(step_state_form_);
  const tensor::Tensor of_cell = arena_.borrow(step_state_form_);
  operations_.zero(of_cell.storage());
  state_products_->hold_weights(weights, WeightUse::kInputGradient);
  for (std::size_t step = times_; step-- > 0;) {
    const bool is_last = step + 1 == times_;
    if (!is_last) state_products_->input_gradient(gates_at(step + 1), weights, of_state);
    const std::size_t row = time_of(step) * sequences_;
    operations_.lstm_cells_backward(extents,
                                    {.output_gradient = output_gradient.data + row * output_gradient.stride,
                                     .output_gradient_stride = output_gradient.stride,
                                     .state_gradient = is_last ? nullptr : of_state.data,
                                     .cell_before = step == 0 ? nullptr : cell_at(step - 1),
                                     .cell = cell_at(step),
                                     .cell_gradient = of_cell.data,
                                     .gates = gates_at(step).data});
  }
  state_products_->release_weights();
  arena_.give_back(of_cell);
  arena_.give_back(of_state);
}

// All steps but the first meet the states of all steps but the last.
void LstmDirection::recurrent_weight_gradient(std::span<float> weights) {
  if (times_ == 1) {
    operations_.zero(weights);
    return;
  }
  const std::size_t first_gates = is_reverse_ ? 0 : sequences_ * 4 * units_;
  const std::size_t first_states = is_reverse_ ? sequences_ * units_ : 0;
  state_products_over_time_->weight_gradient({&earlier_states_form_, states_.data + first_states},
                                             {&later_gates_form_, gates_.data + first_gates}, weights, {});
}

}  // namespace sterna::models
