// Each set of kernels against the formulas in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/core/rng.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {
namespace {

constexpr double kUnit = 0x1p-24;  // half an ulp of 1
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLengths[] = {1, 7, 8, 9, 33};

std::vector<float> normal_values(std::size_t elements, std::uint64_t stream, float scale = 1.0f) {
  std::vector<float> values(elements);
  for (std::size_t i = 0; i < elements; ++i) values[i] = scale * random_normal({.seed = stream}, i);
  return values;
}

class ActivationKernels : public testing::TestWithParam<std::size_t> {
 protected:
  Kernels kernels = supported_kernels()[GetParam()];
};

// A row of 3 standard deviations around a mean of 1000: what a variance from sums of squares gets wrong.
TEST_P(ActivationKernels, NormaliseRows) {
  constexpr std::size_t kRows = 3;
  for (std::size_t n : kLengths) {
    std::vector<float> input = normal_values(kRows * n, 1, 3.0f);
    for (float& value : input) value += 1000.0f;
    const std::vector<float> scale = normal_values(n, 2), shift = normal_values(n, 3);
    std::vector<float> means(kRows), inverses(kRows), output(kRows * n);
    kernels.normalise({input.data(), scale.data(), kRows, n, means.data(), inverses.data()}, shift.data(),
                      1e-5f, output.data());
    for (std::size_t row = 0; row < kRows; ++row) {
      const float* in = input.data() + row * n;
      const double mean = std::accumulate(in, in + n, 0.0) / static_cast<double>(n);
      double variance = 0.0;
      for (std::size_t i = 0; i < n; ++i) variance += (in[i] - mean) * (in[i] - mean);
      const double inverse = 1.0 / std::sqrt(variance / static_cast<double>(n) + 1e-5);
      for (std::size_t i = 0; i < n; ++i) {
        // The mean is off by n roundings of sums up to 1010 n, divided by n; the deviation by as much.
        const double off = (static_cast<double>(n) + 2.0) * kUnit * 1010.0 * inverse + 20.0 * kUnit;
        EXPECT_NEAR(output[row * n + i], (in[i] - mean) * inverse * scale[i] + shift[i],
                    off * (1.0 + std::abs(scale[i]) + std::abs(shift[i])) * 2.0)
            << n << ": " << i;
      }
    }
  }
}

TEST_P(ActivationKernels, NormaliseBackwards) {
  constexpr std::size_t kRows = 3;
  for (std::size_t n : kLengths) {
    if (n == 1) continue;  // one feature is its own mean: no gradient, and a deviation of sqrt(epsilon)
    const std::vector<float> input = normal_values(kRows * n, 1), scale = normal_values(n, 2);
    const std::vector<float> above = normal_values(kRows * n, 3), shift(n, 0.0f);
    std::vector<float> means(kRows), inverses(kRows), output(kRows * n);
    const NormalisedRows rows{input.data(), scale.data(), kRows, n, means.data(), inverses.data()};
    kernels.normalise(rows, shift.data(), 1e-5f, output.data());
    std::vector<float> gradient = above, of_scale(n, 0.0f), of_shift(n, 0.0f);
    kernels.normalise_backward(rows, gradient.data(), of_scale.data(), of_shift.data());

    const auto loss = [&](const std::vector<double>& x, const std::vector<double>& factor) {
      double sum = 0.0;
      for (std::size_t row = 0; row < kRows; ++row) {
        const double* in = x.data() + row * n;
        const double mean = std::accumulate(in, in + n, 0.0) / static_cast<double>(n);
        double variance = 0.0;
        for (std::size_t i = 0; i < n; ++i) variance += (in[i] - mean) * (in[i] - mean);
        const double inverse = 1.0 / std::sqrt(variance / static_cast<double>(n) + 1e-5);
        for (std::size_t i = 0; i < n; ++i) sum += above[row * n + i] * (in[i] - mean) * inverse * factor[i];
      }
      return sum;
    };
    std::vector<double> x(input.begin(), input.end()), factor(scale.begin(), scale.end());
    const auto difference = [&](double& at) {
      const double kept = at, step = 1e-5;
      at = kept + step;
      const double up = loss(x, factor);
      at = kept - step;
      const double down = loss(x, factor);
      at = kept;
      return (up - down) / (2.0 * step);
    };
    // Some 40 roundings of terms below 10 (values within 3, inverse deviations within 4); the difference
    // itself is good to 1e-8.
    const double tolerance = 40.0 * kUnit * 10.0;
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(gradient[i], difference(x[i]), tolerance) << n;
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(of_scale[i], difference(factor[i]), tolerance) << n;
      EXPECT_NEAR(of_shift[i], above[i] + above[n + i] + above[2 * n + i], 4.0 * kUnit * 10.0) << n;
    }
  }
}

TEST_P(ActivationKernels, GeluWithinItsBound) {
  for (std::size_t n : kLengths) {
    const std::vector<float> bias = normal_values(n, 5);
    std::vector<float> rows(2 * n), output(2 * n);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = random_normal({.seed = 6}, i) * 4.0f;
    const std::vector<float> input = rows;
    kernels.gelu(bias.data(), 2, n, rows.data(), output.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double x = input[i] + bias[i % n];  // added in float32
      const double below = 0.5 * std::erfc(-x / std::sqrt(2.0));
      const double density = std::exp(-x * x / 2.0) / std::sqrt(2.0 * std::acos(-1.0));
      EXPECT_NEAR(output[i], x * below, std::abs(x) * (2.5e-7 + kUnit)) << x;
      EXPECT_NEAR(rows[i], below + x * density, 2.5e-7 + 4.0 * kUnit) << x;
    }
  }
  std::vector<float> rows = {-kInfinity, -200.0f, 0.0f, 200.0f}, output(4);
  kernels.gelu(nullptr, 1, 4, rows.data(), output.data());
  EXPECT_EQ(output[1], 0.0f);
  EXPECT_EQ(output[2], 0.0f);
  EXPECT_EQ(output[3], 200.0f);
  EXPECT_NEAR(rows[2], 0.5f, 2.5e-7);
  EXPECT_EQ(rows[3], 1.0f);
}

TEST_P(ActivationKernels, SoftmaxAndItAgain) {
  for (std::size_t n : kLengths) {
    for (bool has_mask : {false, true}) {
      const std::vector<float> scores = normal_values(n + 3, 7, 20.0f);
      std::vector<float> mask(n, 0.0f);
      for (std::size_t k = 1; k < n; k += 3) mask[k] = -kInfinity;
      const ScoreRow row{has_mask ? mask.data() : nullptr, 0.5f, n, n + 3};
      std::vector<float> got = scores, again = scores;
      const float log_sum = kernels.softmax(row, got.data());
      kernels.softmax_again(row, log_sum, again.data());
      double sum = 0.0;
      for (std::size_t k = 0; k < n; ++k) {
        if (!has_mask || mask[k] == 0.0f) sum += std::exp(0.5 * scores[k]);
      }
      // Scores reach 40, so differences are off by 40 * 2^-24, and exponentials by 2^-22 more.
      EXPECT_NEAR(log_sum, std::log(sum), 50.0 * kUnit);
      for (std::size_t k = 0; k < n; ++k) {
        const bool counts = !has_mask || mask[k] == 0.0f;
        const double expected = counts ? std::exp(0.5 * scores[k]) / sum : 0.0;
        EXPECT_NEAR(got[k], expected, 60.0 * kUnit * expected + 1e-37) << k;
        EXPECT_NEAR(again[k], expected, 120.0 * kUnit * expected + 1e-37) << k;
      }
      for (std::size_t k = n; k < n + 3; ++k) EXPECT_EQ(got[k] + again[k], 0.0f);
    }
  }
}

TEST_P(ActivationKernels, SoftmaxOfNothingIsNothing) {
  const std::vector<float> mask(5, -kInfinity);
  std::vector<float> scores = {1, 2, 3, 4, 5}, again = scores;
  const ScoreRow row{mask.data(), 1.0f, 5, 5};
  const float log_sum = kernels.softmax(row, scores.data());
  kernels.softmax_again(row, log_sum, again.data());
  EXPECT_EQ(scores, std::vector(5, 0.0f));
  EXPECT_EQ(again, std::vector(5, 0.0f));
}

TEST_P(ActivationKernels, SoftmaxOfANanIsNan) {
  for (std::size_t at = 0; at < 9; ++at) {
    std::vector<float> scores(9, 1.0f);
    scores[at] = std::numeric_limits<float>::quiet_NaN();
    (void)kernels.softmax({nullptr, 1.0f, 9, 9}, scores.data());
    for (float value : scores) EXPECT_TRUE(std::isnan(value)) << at;
  }
}

TEST_P(ActivationKernels, SoftmaxBackwards) {
  for (std::size_t n : kLengths) {
    const std::vector<float> p = normal_values(n, 8), above = normal_values(n, 9);
    std::vector<float> got = above;
    kernels.softmax_backward(p.data(), 0.25f, n, got.data());
    double sum = 0.0, magnitudes = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
      sum += static_cast<double>(p[k]) * above[k];
      magnitudes += std::abs(static_cast<double>(p[k]) * above[k]);
    }
    for (std::size_t k = 0; k < n; ++k) {
      const double off = (static_cast<double>(n) + 4.0) * kUnit * (magnitudes + std::abs(above[k]));
      EXPECT_NEAR(got[k], 0.25 * p[k] * (above[k] - sum), 0.25 * std::abs(p[k]) * off) << n;
    }
  }
}

TEST_P(ActivationKernels, ShiftedExponentialsWithinTheirBound) {
  for (std::size_t n : {1u, 7u, 8u, 9u, 1000u}) {
    std::vector<float> input(n), got(n);
    for (std::size_t i = 0; i < n; ++i) input[i] = 3.0f - 0.125f * static_cast<float>(i);  // exact
    kernels.shifted_exponentials(input.data(), 3.0f, n, got.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = std::exp(-0.125 * static_cast<double>(i));
      ASSERT_NEAR(static_cast<double>(got[i]), expected, std::max(0x1p-22 * expected, 0x1p-125)) << i;
    }
  }
}

TEST_P(ActivationKernels, ShiftedExponentialsKeepNansAndClearInfinities) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> input = {-infinity, std::nanf(""), 2.0f, -1000.0f};
  std::vector<float> got(4);
  kernels.shifted_exponentials(input.data(), 2.0f, 4, got.data());
  EXPECT_EQ(got[0], 0.0f);
  EXPECT_TRUE(std::isnan(got[1]));
  EXPECT_EQ(got[2], 1.0f);
  EXPECT_EQ(got[3], 0.0f);
  kernels.shifted_exponentials(&infinity, infinity, 1, got.data());
  EXPECT_TRUE(std::isnan(got[0]));
}

INSTANTIATE_TEST_SUITE_P(Supported, ActivationKernels,
                         testing::Range(std::size_t{0}, supported_kernels().size()),
                         [](const auto& test) { return std::string(supported_kernels()[test.param].name); });

}  // namespace
}  // namespace sterna::tensor::kernels
