// The LSTM against one written here in float64, whose backward pass is checked with central differences.
#include "models/layers/lstm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/layers/mean_over_positions.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "tests/models/layer_probe.h"

namespace sterna::models {
namespace {

using testing::ElementsAre;

struct Case {
  std::size_t sequences, times, inputs;
  LstmOptions options;
};

// Units that fill no vector of eight, one vector and a bit, and two panels of sixteen gates' columns and a
// bit.
const Case kCases[] = {
    {1, 1, 1, {.units = 1}},
    {3, 1, 4, {.units = 5, .layers = 2}},
    {1, 2, 3, {.units = 9}},
    {3, 5, 4, {.units = 5, .layers = 2}},
    {1, 5, 7, {.units = 11, .layers = 2}},
    {13, 2, 2, {.units = 8}},
    {3, 1, 3, {.units = 3, .is_bidirectional = true}},
    {1, 2, 3, {.units = 5, .layers = 2, .is_bidirectional = true}},
    {3, 5, 2, {.units = 9, .layers = 2, .is_bidirectional = true}},
};

using Numbers = std::vector<double>;

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// One layer in one direction, as the formulas of torch.nn.LSTM have it.
struct Direction {
  std::size_t sequences, times, inputs, units;
  bool is_reverse;
  const double* parameters;  // weight_ih, weight_hh, bias_ih, bias_hh, one behind the other

  [[nodiscard]] static std::size_t elements(std::size_t inputs, std::size_t units) {
    return 4 * units * (inputs + units + 2);
  }

  // Writes the states to columns [first, first + units) of `output` [B, T, width].
  void run(const Numbers& input, std::size_t first, std::size_t width, Numbers& output) const {
    for (std::size_t b = 0; b < sequences; ++b) {
      Numbers state(units, 0.0), cell(units, 0.0);
      for (std::size_t step = 0; step < times; ++step) {
        const std::size_t row = b * times + (is_reverse ? times - 1 - step : step);
        const Numbers gates = sums(&input[row * inputs], state);
        for (std::size_t i = 0; i < units; ++i) {
          cell[i] = sigmoid(gates[units + i]) * cell[i] + sigmoid(gates[i]) * std::tanh(gates[2 * units + i]);
          state[i] = sigmoid(gates[3 * units + i]) * std::tanh(cell[i]);
          output[row * width + first + i] = state[i];
        }
      }
    }
  }

 private:
  [[nodiscard]] Numbers sums(const double* input, const Numbers& state) const {
    const double* of_state = parameters + 4 * units * inputs;
    const double* bias = of_state + 4 * units * units;
    Numbers result(4 * units);
    for (std::size_t g = 0; g < 4 * units; ++g) {
      result[g] = bias[g] + bias[4 * units + g];
      for (std::size_t i = 0; i < inputs; ++i) result[g] += parameters[g * inputs + i] * input[i];
      for (std::size_t i = 0; i < units; ++i) result[g] += of_state[g * units + i] * state[i];
    }
    return result;
  }
};

Numbers reference_outputs(const Case& c, Numbers input, const Numbers& parameters) {
  const std::size_t directions = c.options.is_bidirectional ? 2 : 1;
  const std::size_t width = directions * c.options.units;
  std::size_t inputs = c.inputs;
  const double* at = parameters.data();
  for (std::size_t layer = 0; layer < c.options.layers; ++layer) {
    Numbers output(c.sequences * c.times * width);
    for (std::size_t d = 0; d < directions; ++d) {
      const Direction direction{c.sequences, c.times, inputs, c.options.units, d == 1, at};
      direction.run(input, d * c.options.units, width, output);
      at += Direction::elements(inputs, c.options.units);
    }
    input = output;
    inputs = width;
  }
  return input;
}

// A probe whose numbers are random, in +-1/2, so that gates work where they bend.
struct Probe {
  explicit Probe(const Case& c)
      : layers({c.sequences, c.times, c.inputs}, [&](Sequential& net) { net.add<Lstm>("lstm", c.options); }) {
    fill(layers.inputs, 1);
    fill(layers.output_weights, 2);
    for (std::size_t p = 0; p < layers.parameters().size(); ++p) {
      fill(layers.parameters().slice(std::span<float>(layers.values), p), 3 + p);
    }
  }

  static void fill(std::span<float> values, std::uint64_t stream) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = random_uniform({.seed = stream}, i) - 0.5f;
  }

  // All of one arena's parameters, one behind the other.
  [[nodiscard]] Numbers without_padding(std::span<const float> arena) const {
    Numbers result;
    for (std::size_t p = 0; p < layers.parameters().size(); ++p) {
      const auto slice = layers.parameters().slice(arena, p);
      result.insert(result.end(), slice.begin(), slice.end());
    }
    return result;
  }

  LayerProbe layers;
};

// Sums have up to 2 * 9 + 9 + 2 = 29 terms below 1/2 and a magnitude below 4; a float32 gate is then off by
// 29 * 4 * 2^-24 in the worst case, an activation by a quarter of that and 6 * 2^-24 of itself: below 40 *
// 2^-24. Through the cell it comes back five times at most, with factors below 1, and through two layers: 2 *
// 5 * 40 * 2^-24 = 2.4e-5.
constexpr double kOutputTolerance = 2.4e-5;

// A gradient sums up to 13 * 5 rows of products of such numbers, weighted by output weights below 1/2; errors
// have no common sign, so that sqrt(65) < 9 of them at half weight count: 4.5 * 2.4e-5. A wrong term is
// thousands of times as large.
constexpr double kGradientTolerance = 1.1e-4;

class LstmCases : public testing::TestWithParam<Case> {};

TEST_P(LstmCases, HasTheOutputsOfTheFormulas) {
  const Case& c = GetParam();
  Probe probe(c);
  const std::vector<float> output = probe.layers.forward();
  const Numbers expected = reference_outputs(c, {probe.layers.inputs.begin(), probe.layers.inputs.end()},
                                             probe.without_padding(probe.layers.values));
  ASSERT_EQ(output.size(), expected.size());
  for (std::size_t i = 0; i < output.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(output[i]), expected[i], kOutputTolerance) << i;
  }
}

TEST_P(LstmCases, HasTheGradientsOfCentralDifferencesInFloat64) {
  const Case& c = GetParam();
  Probe probe(c);
  const std::vector<float> input_gradient = probe.layers.backward();
  Numbers inputs(probe.layers.inputs.begin(), probe.layers.inputs.end());
  Numbers parameters = probe.without_padding(probe.layers.values);
  const auto loss = [&] {
    const Numbers output = reference_outputs(c, inputs, parameters);
    double sum = 0.0;
    for (std::size_t i = 0; i < output.size(); ++i) {
      sum += output[i] * static_cast<double>(probe.layers.output_weights[i]);
    }
    return sum;
  };
  // Of a loss below 13 * 2 * 8: 2^-52 * 208 / 1e-5 < 5e-9, and step^2 times third derivatives: both
  // negligible.
  const auto difference = [&](double& at) {
    constexpr double kDifferenceStep = 1e-5;
    const double kept = at;
    at = kept + kDifferenceStep;
    const double above = loss();
    at = kept - kDifferenceStep;
    const double below = loss();
    at = kept;
    return (above - below) / (2.0 * kDifferenceStep);
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(input_gradient[i]), difference(inputs[i]), kGradientTolerance)
        << "input " << i;
  }
  const Numbers gradients = probe.without_padding(probe.layers.gradients);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    ASSERT_NEAR(gradients[i], difference(parameters[i]), kGradientTolerance) << "parameter " << i;
  }
}

TEST_P(LstmCases, TellsOfEachGradientOnceTheLastFirst) {
  Probe probe(GetParam());
  (void)probe.layers.backward();
  ASSERT_EQ(probe.layers.ready.size(), probe.layers.parameters().size());
  for (std::size_t i = 0; i < probe.layers.ready.size(); ++i) {
    EXPECT_EQ(probe.layers.ready[i], probe.layers.ready.size() - 1 - i);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LstmCases, testing::ValuesIn(kCases), [](const auto& test) {
  const Case& c = test.param;
  return cat("B", c.sequences, "T", c.times, "I", c.inputs, "H", c.options.units, "L", c.options.layers,
             c.options.is_bidirectional ? "Both" : "");
});

TEST(Lstm, NamesItsParametersAsPyTorchDoes) {
  LayerProbe probe({2, 3, 5}, [](Sequential& net) {
    net.add<Lstm>("lstm", LstmOptions{.units = 4, .layers = 2, .is_bidirectional = true});
  });
  std::vector<std::string> names;
  for (const tensor::Parameter& parameter : probe.parameters()) names.push_back(parameter.name);
  EXPECT_THAT(names,
              ElementsAre("lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0",
                          "lstm.weight_ih_l0_reverse", "lstm.weight_hh_l0_reverse", "lstm.bias_ih_l0_reverse",
                          "lstm.bias_hh_l0_reverse", "lstm.weight_ih_l1", "lstm.weight_hh_l1",
                          "lstm.bias_ih_l1", "lstm.bias_hh_l1", "lstm.weight_ih_l1_reverse",
                          "lstm.weight_hh_l1_reverse", "lstm.bias_ih_l1_reverse", "lstm.bias_hh_l1_reverse"));
  EXPECT_THAT(probe.parameters()[0].shape, ElementsAre(16, 5));
  EXPECT_THAT(probe.parameters()[8].shape, ElementsAre(16, 8));  // of both directions
  EXPECT_THAT(probe.parameters()[1].shape, ElementsAre(16, 4));
  EXPECT_EQ(probe.parameters()[0].kind, tensor::ParameterKind::kRecurrent);
  EXPECT_EQ(probe.parameters()[3].kind, tensor::ParameterKind::kBias);
  EXPECT_EQ(probe.parameters()[3].initial_bound, 0.5);  // 1/sqrt(4)
  EXPECT_THAT(probe.output_shape(), ElementsAre(2, 3, 8));
}

TEST(MeanOverPositions, HasExactGradients) {
  // Four positions: sums of small multiples of 1/8, divided by a power of two.
  LayerProbe probe({3, 4, 5}, [](Sequential& net) { net.add<MeanOverPositions>(); });
  EXPECT_THAT(probe.output_shape(), ElementsAre(3, 5));
  probe.expect_exact_gradients();
}

}  // namespace
}  // namespace sterna::models
