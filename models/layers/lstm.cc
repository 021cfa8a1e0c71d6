#include "models/layers/lstm.h"

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

tensor::TensorForm plain(const tensor::Shape& shape) {
  return {.shape = shape, .blocks = nullptr};
}

}  // namespace

Lstm::Lstm(const LayerContext& context, const std::string& name, const LstmOptions& options)
    : operations_(context.operations()),
      arena_(context.arena),
      options_(options),
      input_form_(context.input) {
  STERNA_CHECK(input_form_.is_plain() == true);
  STERNA_CHECK(input_form_.shape.size() == 3u);
  const std::size_t sequences = input_form_.shape[0];
  const std::size_t times = input_form_.shape[1];
  const std::size_t outputs = options.units * (options.is_bidirectional ? 2 : 1);
  output_form_ = plain({sequences, times, outputs});

  tensor::TensorForm input = plain({times, sequences, input_form_.shape[2]});
  for (std::size_t n = 0; n < options.layers; ++n) {
    auto level = std::make_unique<Level>();
    level->input_form = input;
    level->output_form = plain({times, sequences, outputs});
    level->needs_input_gradient = context.needs_input_gradient || n > 0;
    const LayerContext inner{.parameters = context.parameters,
                             .statistics = context.statistics,
                             .arena = context.arena,
                             .input = input,
                             .needs_input_gradient = level->needs_input_gradient};
    const std::string suffix = cat("_l", n);
    level->directions.push_back(std::make_unique<LstmDirection>(
        inner, LstmDirectionOptions{.name = name, .suffix = suffix, .units = options.units}));
    if (options.is_bidirectional) {
      level->directions.push_back(std::make_unique<LstmDirection>(
          inner,
          LstmDirectionOptions{
              .name = name, .suffix = suffix + "_reverse", .units = options.units, .is_reverse = true}));
      level->joined = arena_.reserve(level->output_form);
    }
    input = level->output_form;
    levels_.push_back(std::move(level));
  }
  input_ = arena_.reserve(levels_.front()->input_form);
  output_ = arena_.reserve(output_form_);
}

void Lstm::swap_time_and_sequences(tensor::ConstTensor from, tensor::Tensor to) {
  const tensor::Shape& shape = from.form->shape;
  operations_.swap_axes({.outer = shape[0], .inner = shape[1], .features = shape[2]}, from.data, to.data);
}

tensor::ConstTensor Lstm::forward(tensor::ConstTensor input, const Pass& pass) {
  swap_time_and_sequences({&input_form_, input.data}, input_);
  tensor::ConstTensor activation = input_;
  for (const auto& level : levels_) activation = forward(*level, activation, pass);
  swap_time_and_sequences({&levels_.back()->output_form, activation.data}, output_);
  return output_;
}

tensor::ConstTensor Lstm::forward(Level& level, tensor::ConstTensor input, const Pass& pass) {
  level.input = input;
  if (!options_.is_bidirectional) return level.directions.front()->forward(input, pass);
  for (std::size_t d = 0; d < level.directions.size(); ++d) {
    const tensor::ConstTensor states = level.directions[d]->forward(input, pass);
    const std::size_t units = options_.units;
    operations_.copy_rows({.rows = states.storage().size() / units, .columns = units}, {states.data, units},
                          {level.joined.data + d * units, 2 * units});
  }
  return level.joined;
}

tensor::Tensor Lstm::backward(tensor::Tensor output_gradient, const Pass& pass) {
  tensor::Tensor gradient = arena_.borrow(levels_.back()->output_form);
  swap_time_and_sequences({&output_form_, output_gradient.data}, gradient);
  arena_.give_back(output_gradient);
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    gradient = backward(**level, gradient, pass);
  }
  if (gradient.data == nullptr) return {.form = &input_form_, .data = nullptr};
  const tensor::Tensor input_gradient = arena_.borrow(input_form_);
  swap_time_and_sequences({&levels_.front()->input_form, gradient.data}, input_gradient);
  arena_.give_back(gradient);
  return input_gradient;
}

tensor::Tensor Lstm::backward(Level& level, tensor::Tensor output_gradient, const Pass& pass) {
  const std::size_t outputs = level.output_form.shape[2];
  tensor::Tensor sum{.form = &level.input_form, .data = nullptr};
  for (std::size_t d = level.directions.size(); d-- > 0;) {
    tensor::Tensor part{.form = &level.input_form, .data = nullptr};
    if (level.needs_input_gradient) part = arena_.borrow(level.input_form);
    level.directions[d]->backward(
        level.input, {.data = output_gradient.data + d * options_.units, .stride = outputs}, pass, part);
    if (sum.data == nullptr) {
      sum = part;
    } else {
      operations_.add(sum.storage(), part.storage(), sum.storage());
      arena_.give_back(part);
    }
  }
  arena_.give_back(output_gradient);
  return sum;
}

}  // namespace sterna::models
