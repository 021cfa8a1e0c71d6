#include "models/layers/batch_norm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/layers/residual_block.h"
#include "runtime/core/errors.h"
#include "tests/models/layer_probe.h"

namespace sterna::models {
namespace {

constexpr std::size_t kBatch = 3, kChannels = 3, kPositions = 12;  // 36 values a channel
constexpr std::size_t kValues = kBatch * kPositions;

// Roundings of a value are a small multiple of 2^-24 of its terms, and a sum over a channel adds one for each
// of its 36 values: 64 in all. Inputs, gradients and scales are at most 3, so that terms stay below `bound`.
double tolerance(double bound) {
  return 64.0 * std::ldexp(bound, -24);
}

std::size_t element(std::size_t channel, std::size_t i) {
  return (i / kPositions * kChannels + channel) * kPositions + i % kPositions;
}

struct Moments {
  double mean = 0.0, variance = 0.0;
};

Moments moments_of(const std::vector<double>& x, std::size_t channel) {
  Moments m;
  for (std::size_t i = 0; i < kValues; ++i) m.mean += x[element(channel, i)] / kValues;
  for (std::size_t i = 0; i < kValues; ++i) {
    m.variance += std::pow(x[element(channel, i)] - m.mean, 2) / kValues;
  }
  return m;
}

// What the layer and its addition are by formula, in float64.
struct Formula {
  std::vector<double> x = {}, addend = {}, scale = {}, shift = {};
  double lower = -HUGE_VAL, upper = HUGE_VAL;

  std::vector<double> output() const {
    std::vector<double> y(x.size());
    for (std::size_t c = 0; c < kChannels; ++c) {
      const Moments m = moments_of(x, c);
      for (std::size_t i = 0; i < kValues; ++i) {
        const std::size_t at = element(c, i);
        const double z = (x[at] - m.mean) / std::sqrt(m.variance + 1e-5) * scale[c] + shift[c] + addend[at];
        y[at] = std::clamp(z, lower, upper);
      }
    }
    return y;
  }

  double loss(const std::vector<float>& weights) const {
    const std::vector<double> y = output();
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(weights[i]);
    return sum;
  }

  double difference(double& at, const std::vector<float>& weights) {
    constexpr double kStep = 1e-6;
    const double kept = at;
    at = kept + kStep;
    const double above = loss(weights);
    at = kept - kStep;
    const double below = loss(weights);
    at = kept;
    return (above - below) / (2.0 * kStep);
  }
};

struct Probe : LayerProbe {
  Probe(const std::function<void(Sequential&)>& add, const tensor::kernels::Clamp& clamp)
      : LayerProbe({kBatch, kChannels, 3, 4}, add),
        formula{.lower = static_cast<double>(clamp.lower), .upper = static_cast<double>(clamp.upper)} {
    const float scales[] = {1.5f, -2.0f, 0.5f}, shifts[] = {0.25f, 0.5f, -0.125f};
    for (std::size_t c = 0; c < kChannels; ++c) {
      values[c] = scales[c];
      values[16 + c] = shifts[c];  // on the next border
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] += 0.03125f * static_cast<float>(i % 7);
    formula.x.assign(inputs.begin(), inputs.end());
    formula.addend.assign(inputs.size(), 0.0);
    formula.scale.assign(scales, scales + kChannels);
    formula.shift.assign(shifts, shifts + kChannels);
  }

  Formula formula;
};

void expect_parameter_gradients(Probe& probe) {
  for (std::size_t c = 0; c < kChannels; ++c) {
    const auto scale = static_cast<double>(probe.gradients[c]);
    const auto shift = static_cast<double>(probe.gradients[16 + c]);
    EXPECT_NEAR(scale, probe.formula.difference(probe.formula.scale[c], probe.output_weights),
                tolerance(3.0 * kValues));
    EXPECT_NEAR(shift, probe.formula.difference(probe.formula.shift[c], probe.output_weights),
                tolerance(3.0 * kValues));
  }
}

TEST(BatchNorm, IsTheFormulaWithTheGradientsOfCentralDifferences) {
  // Outputs lie within 4 of 0, so that 1 stands in for the 6 of kClampRelu6.
  const tensor::kernels::Clamp below_one{.lower = kClampRelu6.lower, .upper = 1.0f};
  for (const tensor::kernels::Clamp& clamp : {kNoClamp, kClampRelu, below_one}) {
    Probe probe([&](Sequential& layers) { layers.add<BatchNorm>("bn", clamp); }, clamp);
    const std::vector<float> output = probe.forward();
    const std::vector<double> expected = probe.formula.output();
    for (std::size_t i = 0; i < output.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(output[i]), expected[i], tolerance(10.0));
    }
    const std::vector<float> gradient = probe.backward();
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(gradient[i]),
                  probe.formula.difference(probe.formula.x[i], probe.output_weights), tolerance(30.0));
    }
    expect_parameter_gradients(probe);
  }
}

TEST(ResidualBlock, AddsItsInputAndBothGradients) {
  Probe probe(
      [](Sequential& layers) {
        layers.add<ResidualBlock>(ResidualBlockOptions{
            .add_branch = [](Sequential&) {}, .normalisation = "bn", .add_shortcut = nullptr});
      },
      kClampRelu);
  probe.formula.addend = probe.formula.x;
  const std::vector<float> output = probe.forward();
  const std::vector<double> expected = probe.formula.output();
  for (std::size_t i = 0; i < output.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(output[i]), expected[i], tolerance(10.0));
  }
  const std::vector<float> gradient = probe.backward();
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double both = probe.formula.difference(probe.formula.x[i], probe.output_weights) +
                        probe.formula.difference(probe.formula.addend[i], probe.output_weights);
    EXPECT_NEAR(static_cast<double>(gradient[i]), both, tolerance(30.0));
  }
  expect_parameter_gradients(probe);
}

TEST(BatchNorm, MovesItsStatisticsATenthOfTheWayAndReadsThemInEvaluation) {
  Probe probe([](Sequential& layers) { layers.add<BatchNorm>("bn", kNoClamp); }, kNoClamp);
  (void)probe.forward();
  for (std::size_t c = 0; c < kChannels; ++c) {
    const Moments m = moments_of(probe.formula.x, c);
    EXPECT_NEAR(static_cast<double>(probe.statistics[c]), 0.1 * m.mean, tolerance(3.0));
    EXPECT_NEAR(static_cast<double>(probe.statistics[16 + c]), 0.9 + 0.1 * m.variance * 36.0 / 35.0,
                tolerance(10.0));
  }
  probe.is_training = false;
  const AlignedVector<float> before = probe.statistics;
  const std::vector<float> output = probe.forward();
  EXPECT_TRUE(probe.statistics == before);
  for (std::size_t c = 0; c < kChannels; ++c) {
    const auto mean = static_cast<double>(before[c]), variance = static_cast<double>(before[16 + c]);
    for (std::size_t i = 0; i < kValues; ++i) {
      const std::size_t at = element(c, i);
      const double z = (probe.formula.x[at] - mean) / std::sqrt(variance + 1e-5);
      EXPECT_NEAR(static_cast<double>(output[at]), z * probe.formula.scale[c] + probe.formula.shift[c],
                  tolerance(10.0));
    }
  }
}

TEST(BatchNorm, RefusesOneValueAChannel) {
  EXPECT_THAT(([] {
                LayerProbe({1, 3, 1, 1}, [](Sequential& layers) { layers.add<BatchNorm>("bn", kNoClamp); });
              }),
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("take more samples a batch")));
}

}  // namespace
}  // namespace sterna::models
