// Attention and what surrounds it: against float64 formulas, and against hand-made values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/layers/fully_connected.h"
#include "models/layers/fully_connected_gelu.h"
#include "models/layers/layer_norm.h"
#include "models/layers/multihead_attention.h"
#include "models/layers/positions.h"
#include "models/layers/residual.h"
#include "runtime/core/rng.h"
#include "tests/models/layer_probe.h"

namespace sterna::models {
namespace {

using testing::ElementsAre;
using Doubles = std::vector<double>;

constexpr std::size_t kSamples = 2, kFeatures = 6, kHeads = 2, kHeadFeatures = 3;

struct Sizes {
  std::size_t queries, keys;
  bool is_causal, has_memory, has_padding;
  double dropout = 0.0;
};

constexpr std::uint16_t kDropoutNumber = 5;

// What dropout makes of a probability of 1: the key of LayerProbe's passes is that of step 0.
double kept(const Sizes& s, std::size_t row, std::size_t k) {
  const RandomKey key{.use = RandomUse::kDropout, .layer = kDropoutNumber};
  const bool is_dropped = random_bits(key, row * ((s.keys + 3) / 4 * 4) + k) < std::ldexp(s.dropout, 32);
  return is_dropped ? 0.0 : 1.0 / (1.0 - s.dropout);
}

// Around the tiles of 64 queries.
const Sizes kSizes[] = {
    {1, 1, true, false, false},       {5, 5, false, false, false},       {5, 5, false, false, true},
    {64, 64, true, false, false},     {67, 67, true, false, true},       {130, 130, true, false, false},
    {67, 67, false, false, true},     {67, 9, false, true, true},        {67, 67, true, false, true, 0.25},
    {67, 9, false, true, true, 0.25}, {3, 1030, false, true, false, 0.5}};

// Where the values of the formula lie: input, memory, and the four parameters.
struct Values {
  Doubles x, memory, in_weight, in_bias, out_weight, out_bias;
};

// Row `row` of the projection's weights times the features of a position, plus its bias.
double projected(const Values& v, const Doubles& source, std::size_t position, std::size_t row) {
  double sum = v.in_bias[row];
  for (std::size_t i = 0; i < kFeatures; ++i) {
    sum += source[position * kFeatures + i] * v.in_weight[row * kFeatures + i];
  }
  return sum;
}

// Multi-head attention as the formula has it, and its product with `weights`, without those of the output
// projection moved out: loss = sum weights * (W context + b).
double reference_loss(const Sizes& s, const Values& v, const std::vector<std::int32_t>& symbols,
                      const std::vector<float>& weights) {
  const Doubles& source = s.has_memory ? v.memory : v.x;
  const auto table = [&](const Doubles& from, std::size_t positions, std::size_t first_row) {
    Doubles all(kSamples * positions * kFeatures);
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = projected(v, from, i / kFeatures, first_row + i % kFeatures);
    }
    return all;
  };
  const Doubles query = table(v.x, s.queries, 0), key = table(source, s.keys, kFeatures),
                value = table(source, s.keys, 2 * kFeatures);
  double loss = 0.0;
  for (std::size_t b = 0; b < kSamples; ++b) {
    for (std::size_t q = 0; q < s.queries; ++q) {
      double context[kFeatures] = {};
      for (std::size_t h = 0; h < kHeads; ++h) {
        Doubles p(s.keys, 0.0);
        double sum = 0.0;
        for (std::size_t k = 0; k < s.keys; ++k) {
          if ((s.is_causal && k > q) || (s.has_padding && symbols[b * s.keys + k] == 0)) continue;
          double score = 0.0;
          for (std::size_t i = h * kHeadFeatures; i < (h + 1) * kHeadFeatures; ++i) {
            score += query[(b * s.queries + q) * kFeatures + i] * key[(b * s.keys + k) * kFeatures + i];
          }
          sum += p[k] = std::exp(score / std::sqrt(static_cast<double>(kHeadFeatures)));
        }
        for (std::size_t k = 0; k < s.keys; ++k) {
          for (std::size_t i = h * kHeadFeatures; i < (h + 1) * kHeadFeatures; ++i) {
            context[i] += kept(s, (b * kHeads + h) * s.queries + q, k) * p[k] / sum *
                          value[(b * s.keys + k) * kFeatures + i];
          }
        }
      }
      for (std::size_t o = 0; o < kFeatures; ++o) {
        double output = v.out_bias[o];
        for (std::size_t i = 0; i < kFeatures; ++i) output += context[i] * v.out_weight[o * kFeatures + i];
        loss += output * static_cast<double>(weights[(b * s.queries + q) * kFeatures + o]);
      }
    }
  }
  return loss;
}

struct AttentionProbe {
  explicit AttentionProbe(const Sizes& s)
      : sizes(s),
        memory{.form = {.shape = {kSamples, s.keys, kFeatures}}},
        probe({kSamples, s.queries, kFeatures}, [&](Sequential& layers) {
          layers.add<MultiheadAttention>(
              "self_attn",
              MultiheadAttentionOptions{.heads = kHeads,
                                        .is_causal = s.is_causal,
                                        .memory = s.has_memory ? &memory : nullptr,
                                        .has_padding = s.has_padding,
                                        .dropout = {.probability = s.dropout, .number = kDropoutNumber}});
        }) {
    fill(probe.inputs, 1);
    for (std::size_t p = 0; p < probe.parameters().size(); ++p) {
      fill(probe.parameters().slice(std::span<float>(probe.values), p), 10 + p);
    }
    fill(probe.output_weights, 2);
    of_memory.resize(kSamples * s.keys * kFeatures);
    gradient_of_memory.assign(of_memory.size(), 0.0f);
    fill(of_memory, 3);
    memory.value = {&memory.form, of_memory.data()};
    memory.gradient = {&memory.form, gradient_of_memory.data()};
    probe.batch.samples = kSamples;
    probe.batch.symbols.resize(kSamples * s.keys, 1);
    // Padding at the end of the first sample, and somewhere else.
    if (s.keys > 2) probe.batch.symbols[s.keys - 1] = probe.batch.symbols[s.keys + 2] = 0;
  }

  static void fill(std::span<float> values, std::uint64_t stream) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = random_normal({.seed = stream}, i);
  }

  [[nodiscard]] Values in_double() const {
    const auto copy = [](std::span<const float> values) { return Doubles(values.begin(), values.end()); };
    const auto parameter = [&](std::size_t p) {
      return copy(probe.parameters().slice(std::span<const float>(probe.values), p));
    };
    return {copy(probe.inputs), copy(of_memory), parameter(0), parameter(1), parameter(2), parameter(3)};
  }

  Sizes sizes;
  AttendedMemory memory;
  LayerProbe probe;
  std::vector<float> of_memory, gradient_of_memory;
};

// Compares some thirty elements of a gradient with central differences of the formula.
void expect_differences(const AttentionProbe& probe, Doubles Values::*member,
                        std::span<const float> gradient) {
  Values values = probe.in_double();
  Doubles& at = values.*member;
  double largest = 0.0;
  for (float value : gradient) largest = std::max(largest, std::abs(static_cast<double>(value)));
  const auto loss = [&] {
    return reference_loss(probe.sizes, values, probe.probe.batch.symbols, probe.probe.output_weights);
  };
  for (std::size_t i = 0; i < at.size(); i += at.size() / 30 + 1) {
    const double kept = at[i], step = 1e-5;
    at[i] = kept + step;
    const double above = loss();
    at[i] = kept - step;
    const double below = loss();
    at[i] = kept;
    // An element is a sum of up to 2 * 130 products, each off by some ten roundings (scores reach 20, so that
    // exponentials are off by 20 * 2^-24), of random signs: sqrt(260) * 30 = 480 units of the largest term,
    // which here is as large as the largest gradient. The difference is good to 1e-8 of the loss.
    EXPECT_NEAR(static_cast<double>(gradient[i]), (above - below) / (2.0 * step),
                480.0 * 0x1p-24 * largest + 1e-6)
        << i;
  }
}

TEST(MultiheadAttention, HasTheGradientsOfItsFormulaInFloat64) {
  for (const Sizes& sizes : kSizes) {
    SCOPED_TRACE(testing::Message() << sizes.queries << " queries, " << sizes.keys << " keys, causal "
                                    << sizes.is_causal << ", padding " << sizes.has_padding);
    AttentionProbe probe(sizes);
    const std::vector<float> of_input = probe.probe.backward();
    const auto of_parameter = [&](std::size_t p) {
      return probe.probe.parameters().slice(std::span<const float>(probe.probe.gradients), p);
    };
    expect_differences(probe, &Values::x, of_input);
    if (sizes.has_memory) expect_differences(probe, &Values::memory, probe.gradient_of_memory);
    expect_differences(probe, &Values::in_weight, of_parameter(0));
    expect_differences(probe, &Values::in_bias, of_parameter(1));
    expect_differences(probe, &Values::out_weight, of_parameter(2));
    expect_differences(probe, &Values::out_bias, of_parameter(3));
    EXPECT_THAT(probe.probe.ready, ElementsAre(3, 2, 1, 0));
  }
}

TEST(MultiheadAttention, IsItsFormula) {
  for (const Sizes& sizes : kSizes) {
    AttentionProbe probe(sizes);
    const std::vector<float> output = probe.probe.forward();
    const Values values = probe.in_double();
    for (std::size_t i = 0; i < output.size(); i += output.size() / 30 + 1) {
      std::vector<float> only_one(output.size(), 0.0f);
      only_one[i] = 1.0f;
      // As above; values and outputs stay below 30.
      EXPECT_NEAR(static_cast<double>(output[i]),
                  reference_loss(sizes, values, probe.probe.batch.symbols, only_one), 30.0 * 480.0 * 0x1p-24);
    }
  }
}

TEST(MultiheadAttention, DropsNoProbabilityInEvaluation) {
  AttentionProbe dropping({5, 9, false, true, true, 0.5}), plain({5, 9, false, true, true});
  EXPECT_NE(dropping.probe.forward(), plain.probe.forward());
  dropping.probe.is_training = false;
  EXPECT_EQ(dropping.probe.forward(), plain.probe.forward());
}

TEST(MultiheadAttention, UnderACausalMaskIsBlindToWhatComesLater) {
  AttentionProbe probe({130, 130, true, false, false});
  const std::vector<float> before = probe.probe.forward();
  for (std::size_t changed : {1u, 63u, 64u, 129u}) {
    std::vector<float> kept = probe.probe.inputs;
    for (std::size_t i = changed * kFeatures; i < 130 * kFeatures; ++i) probe.probe.inputs[i] += 1.0f;
    const std::vector<float> after = probe.probe.forward();
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(changed * kFeatures),
                           after.begin()));
    EXPECT_NE(before[changed * kFeatures], after[changed * kFeatures]);
    probe.probe.inputs = kept;
  }
}

TEST(MultiheadAttention, IsBlindToPaddingAndGivesItNoGradient) {
  AttentionProbe probe({5, 9, false, true, true});
  const std::vector<float> output = probe.probe.forward();
  const std::vector<float> gradient = probe.probe.backward();
  for (std::size_t padded : {8u, 9u + 2u}) {
    for (std::size_t i = 0; i < kFeatures; ++i) {
      EXPECT_EQ(probe.gradient_of_memory[padded * kFeatures + i], 0.0f);
      probe.of_memory[padded * kFeatures + i] = 1e6f;
    }
  }
  EXPECT_EQ(probe.probe.forward(), output);
  EXPECT_EQ(probe.probe.backward(), gradient);
}

TEST(MultiheadAttention, OfNothingButPaddingIsItsBias) {
  AttentionProbe probe({5, 9, false, true, true});
  std::ranges::fill(probe.probe.batch.symbols, 0);
  const std::vector<float> output = probe.probe.forward();
  const auto bias = probe.probe.parameters().slice(std::span<const float>(probe.probe.values), 3);
  for (std::size_t i = 0; i < output.size(); ++i) EXPECT_EQ(output[i], bias[i % kFeatures]);
  EXPECT_THAT(probe.probe.backward(), testing::Each(0.0f));
}

TEST(MultiheadAttention, DeclaresItsParametersAsPyTorchDoesAndCountsItsOperations) {
  tensor::ParameterTable table, statistics;
  tensor::Arena arena;
  const MultiheadAttention layer({table, statistics, arena, {.shape = {1, 10, 8}}}, "self_attn",
                                 {.heads = 2, .is_causal = true});
  ASSERT_EQ(table.size(), 4u);
  EXPECT_EQ(table[0].name, "self_attn.in_proj_weight");
  EXPECT_THAT(table[0].shape, ElementsAre(24, 8));
  EXPECT_DOUBLE_EQ(table[0].initial_bound, 0.4330127018922193);  // sqrt(6 / (24 + 8))
  EXPECT_EQ(table[0].multiplications_per_element, 10.0);
  EXPECT_EQ(table[1].name, "self_attn.in_proj_bias");
  EXPECT_EQ(table[1].initial_bound, 0.0);
  EXPECT_EQ(table[2].name, "self_attn.out_proj.weight");
  EXPECT_DOUBLE_EQ(table[2].initial_bound, 0.35355339059327373);  // 1 / sqrt(8)
  EXPECT_EQ(table[3].name, "self_attn.out_proj.bias");
  EXPECT_EQ(layer.multiplications_of_activations(), 2.0 * 55.0 * 8.0);  // 10 * 11 / 2 pairs, two products
}

TEST(Residual, HasTheGradientsOfCentralDifferences) {
  LayerProbe probe({3, 5}, [](Sequential& layers) {
    layers.add<Residual>([](Sequential& inner) {
      inner.add<FullyConnected>("first", FullyConnectedOptions{.outputs = 4});
      inner.add<FullyConnected>("last", FullyConnectedOptions{.outputs = 5});
    });
  });
  probe.expect_exact_gradients();
  std::ranges::fill(probe.values, 0.0f);
  EXPECT_EQ(probe.forward(), probe.inputs);
}

TEST(Positions, HaveTheGradientsOfCentralDifferences) {
  for (double scale : {1.0, 2.0}) {
    LayerProbe probe({3, 2, 3}, [&](Sequential& layers) {
      layers.add<Positions>(PositionsOptions{.learned = "pos", .scale = scale});
    });
    probe.expect_exact_gradients();
  }
}

TEST(Positions, OfSinesAreThoseOfThePaper) {
  LayerProbe probe({2, 2, 4},
                   [](Sequential& layers) { layers.add<Positions>(PositionsOptions{.scale = 3.0}); });
  std::ranges::fill(probe.inputs, 1.0f);
  const auto near = [](double value) { return testing::FloatEq(static_cast<float>(value)); };
  // Position 1: angles 1 and 1 / 10000^(2/4) = 0.01.
  const std::vector<float> output = probe.forward();
  EXPECT_THAT(std::span(output).first(8),
              ElementsAre(3.0f, 4.0f, 3.0f, 4.0f, near(3.0 + std::sin(1.0)), near(3.0 + std::cos(1.0)),
                          near(3.0 + std::sin(0.01)), near(3.0 + std::cos(0.01))));
  EXPECT_EQ(probe.backward()[0], 3.0f * probe.output_weights[0]);
}

TEST(LayerNorm, NormalisesEachRow) {
  LayerProbe probe(
      {1, 2, 4}, [](Sequential& layers) { layers.add<LayerNorm>("norm", LayerNormOptions{.epsilon = 0.0}); });
  EXPECT_EQ(probe.parameters()[0].name, "norm.weight");
  EXPECT_EQ(probe.parameters()[0].initial_value, 1.0);
  EXPECT_EQ(probe.parameters()[1].name, "norm.bias");
  probe.inputs = {1, 1, 3, 3, 0, 8, 8, 0};  // means 2 and 4, deviations 1 and 4
  std::ranges::copy(std::vector{1.0f, 2.0f, 3.0f, 4.0f}, probe.values.begin());
  std::ranges::copy(std::vector{0.5f, 0.5f, 0.5f, 0.5f}, probe.values.begin() + 16);  // next border
  EXPECT_THAT(probe.forward(), ElementsAre(-0.5f, -1.5f, 3.5f, 4.5f, -0.5f, 2.5f, 3.5f, -3.5f));
  (void)probe.backward();
  EXPECT_THAT(probe.ready, ElementsAre(1, 0));
}

TEST(FullyConnectedGelu, IsTheProductAndItsActivation) {
  LayerProbe probe({1, 2}, [](Sequential& layers) { layers.add<FullyConnectedGelu>("linear1", 2u); });
  probe.inputs = {2.0f, -1.0f};
  std::ranges::copy(std::vector{1.0f, 3.0f, 4.0f, 5.0f}, probe.values.begin());  // weights
  std::ranges::copy(std::vector{0.5f, -1.0f}, probe.values.begin() + 16);        // bias, next border
  probe.output_weights = {1.0f, 10.0f};
  // Before the activation: 2 - 3 + 0.5 = -0.5 and 8 - 5 - 1 = 2. P(-0.5) = 0.308537539, P(2) = 0.977249868;
  // densities 0.352065327 and 0.053990967. Derivatives 0.132504875 and 1.085231801.
  const std::vector<float> output = probe.forward(), gradient = probe.backward();
  EXPECT_NEAR(output[0], -0.154268769, 3e-7);
  EXPECT_NEAR(output[1], 1.954499736, 6e-7);
  EXPECT_NEAR(gradient[0], 0.132504875 + 4.0 * 10.852318, 2e-5);
  EXPECT_NEAR(gradient[1], 3.0 * 0.132504875 + 5.0 * 10.852318, 2e-5);
  EXPECT_NEAR(probe.gradients[0], 2.0 * 0.132504875, 1e-6);
  EXPECT_NEAR(probe.gradients[16], 0.132504875, 1e-6);
}

}  // namespace
}  // namespace sterna::models
