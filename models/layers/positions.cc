#include "models/layers/positions.h"

#include <cmath>
#include <vector>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

std::optional<std::size_t> add_table(const LayerContext& context, const PositionsOptions& options) {
  if (options.learned.empty()) return std::nullopt;
  const tensor::Shape& input = context.input.shape;
  tensor::Shape shape = {input[1], input[2]};
  if (options.is_batched) shape.insert(shape.begin(), 1);
  return context.parameters.add({.name = options.learned,
                                 .shape = shape,
                                 .kind = tensor::ParameterKind::kEmbedding,
                                 .initial_deviation = options.initial_deviation,
                                 .multiplications_per_element = 0.0});
}

std::vector<float> sines_of(std::size_t positions, std::size_t features) {
  std::vector<float> sines(positions * features);
  for (std::size_t i = 0; i < sines.size(); ++i) {
    sines[i] = sine_of_position(i / features, i % features, features);
  }
  return sines;
}

}  // namespace

float sine_of_position(std::size_t position, std::size_t feature, std::size_t features) {
  const double exponent = static_cast<double>(feature / 2 * 2) / static_cast<double>(features);
  const double angle = static_cast<double>(position) / std::pow(10000.0, exponent);
  return static_cast<float>(feature % 2 == 0 ? std::sin(angle) : std::cos(angle));
}

Positions::Positions(const LayerContext& context, const PositionsOptions& options)
    : operations_(context.operations()),
      form_(context.input),
      scale_(static_cast<float>(options.scale)),
      learned_(add_table(context, options)),
      output_(context.arena.reserve(form_)) {
  STERNA_CHECK(form_.shape.size() == 3u);
  STERNA_CHECK(form_.is_plain() == true);
  if (learned_) return;
  const std::vector<float> sines = sines_of(form_.shape[1], form_.shape[2]);
  sines_ = context.arena.reserve(sines.size());
  operations_.copy_from_host<float>(sines, sines_);
}

tensor::ConstTensor Positions::forward(tensor::ConstTensor input, const Pass& pass) {
  const std::span<const float> table = learned_ ? pass.value(*learned_) : std::span<const float>(sines_);
  operations_.scale_and_add_table(scale_, input.storage(), table, output_.storage());
  return output_;
}

// In place; the table's gradient adds up the samples in their order.
tensor::Tensor Positions::backward(tensor::Tensor output_gradient, const Pass& pass) {
  if (learned_) {
    operations_.sum_rows(output_gradient.storage(), pass.gradient(*learned_));
    pass.tell_ready(*learned_);
  }
  if (scale_ != 1.0f) operations_.scale(scale_, output_gradient.storage());
  return {.form = &form_, .data = output_gradient.data};
}

}  // namespace sterna::models
