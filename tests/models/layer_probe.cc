#include "tests/models/layer_probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "runtime/core/rng.h"

namespace sterna::models {
namespace {

// A whole number in [-3, 3].
float small_integer(std::uint64_t stream, std::uint64_t index) {
  return static_cast<float>(random_below({.seed = stream}, index, 7)) - 3.0f;
}

// 0, 1, 2... in a scattered order: 7919 is a prime above every test's number of elements.
float distinct_integer(std::size_t index, std::size_t elements) {
  return static_cast<float>(index * 7919 % elements);
}

}  // namespace

LayerProbe::LayerProbe(const tensor::Shape& input_shape, const std::function<void(Sequential&)>& add_layers,
                       bool inputs_are_distinct)
    : input_form_{.shape = input_shape, .blocks = nullptr},
      layers_(LayerContext{
          .parameters = parameters_, .statistics = statistics_, .arena = arena_, .input = input_form_}),
      tell_ready_([this](std::size_t parameter) { ready.push_back(parameter); }) {
  add_layers(layers_);
  inputs.resize(input_form_.storage_elements());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = inputs_are_distinct ? distinct_integer(i, inputs.size()) : small_integer(1, i);
  }
  values.assign(parameters_.arena_elements(), 0.0f);
  gradients.assign(parameters_.arena_elements(), -77.0f);
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const float half = parameters_[p].kind == tensor::ParameterKind::kBias ? 0.5f : 0.0f;
    std::span<float> slice = parameters_.slice(std::span<float>(values), p);
    for (std::size_t i = 0; i < slice.size(); ++i) slice[i] = small_integer(2 + p, i) + half;
  }
  statistics.assign(statistics_.arena_elements(), 0.0f);
  tensor::initialise(statistics_, /*seed=*/1, statistics);
  output_weights.resize(layers_.output_form().storage_elements());
  for (std::size_t i = 0; i < output_weights.size(); ++i) output_weights[i] = small_integer(99, i);
}

Pass LayerProbe::pass() {
  return {.parameters = parameters_,
          .statistics = statistics_,
          .arenas = {.values = values, .gradients = gradients, .statistics = statistics},
          .symbols = batch.symbols,
          .key = {},
          .is_training = is_training,
          .ready = &tell_ready_};
}

std::vector<float> LayerProbe::forward() {
  const auto output = layers_.forward({&input_form_, inputs.data()}, pass()).storage();
  return {output.begin(), output.end()};
}

double LayerProbe::loss() {
  const std::vector<float> output = forward();
  return std::inner_product(output.begin(), output.end(), output_weights.begin(), 0.0);
}

std::vector<float> LayerProbe::backward() {
  (void)forward();
  const tensor::Tensor output_gradient = arena_.borrow(layers_.output_form());
  std::ranges::copy(output_weights, output_gradient.data);
  const tensor::Tensor result = layers_.backward(output_gradient, pass());
  const std::vector<float> input_gradient(result.storage().begin(), result.storage().end());
  arena_.give_back(result);
  return input_gradient;
}

double LayerProbe::difference(float& at) {
  const float kept = at;
  at = kept + kStep;
  const double above = loss();
  at = kept - kStep;
  const double below = loss();
  at = kept;
  return (above - below) / (2.0 * static_cast<double>(kStep));
}

void LayerProbe::expect_exact_gradients() {
  const std::vector<float> input_gradient = backward();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_EQ(static_cast<double>(input_gradient[i]), difference(inputs[i])) << "input " << i;
  }
  const AlignedVector<float> of_parameters = gradients;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const auto got = parameters_.slice(std::span<const float>(of_parameters), p);
    std::span<float> at = parameters_.slice(std::span<float>(values), p);
    for (std::size_t i = 0; i < at.size(); ++i) {
      ASSERT_EQ(static_cast<double>(got[i]), difference(at[i])) << parameters_[p].name << ", element " << i;
    }
  }
}

}  // namespace sterna::models
