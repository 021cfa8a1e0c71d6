#include "models/layers/softmax_cross_entropy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/core/rng.h"
#include "runtime/data/batch.h"

namespace sterna::models {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Scored {
  BatchScore score;
  std::vector<float> gradient;
};

Scored score(const std::vector<float>& logits, const std::vector<std::int32_t>& labels) {
  tensor::Arena arena;
  const tensor::TensorForm form{.shape = {labels.size(), logits.size() / labels.size()}, .blocks = nullptr};
  SoftmaxCrossEntropy loss(form, arena);
  const ScoreWithGradient got = loss.score_with_gradient({&form, logits.data()}, labels);
  const auto gradient = got.gradient.storage();
  return {got.score, {gradient.begin(), gradient.end()}};
}

std::size_t correct_top5(const std::vector<float>& logits, const std::vector<std::int32_t>& labels) {
  tensor::Arena arena;
  const tensor::TensorForm form{.shape = {labels.size(), logits.size() / labels.size()}, .blocks = nullptr};
  return SoftmaxCrossEntropy(form, arena).score({&form, logits.data()}, labels).correct_top5;
}

// Mean loss over the labels that count, as the formula has it, in float64.
double mean_loss(const std::vector<double>& logits, const std::vector<std::int32_t>& labels) {
  const std::size_t classes = logits.size() / labels.size();
  double sum = 0.0;
  double counting = 0.0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] == data::kNoLabel) continue;
    double exponentials = 0.0;
    for (std::size_t c = 0; c < classes; ++c) exponentials += std::exp(logits[row * classes + c]);
    sum += std::log(exponentials) - logits[row * classes + static_cast<std::size_t>(labels[row])];
    counting += 1.0;
  }
  return sum / counting;
}

TEST(SoftmaxCrossEntropy, IsTheLogarithmOfTheClassesWhereAllAreAlike) {
  const Scored got = score({7.0f, 7.0f, 7.0f, 7.0f}, {2});
  EXPECT_DOUBLE_EQ(got.score.loss_sum, std::log(4.0));
  // 1/4 for each class, less 1 for the label.
  EXPECT_EQ(got.gradient, (std::vector{0.25f, 0.25f, -0.75f, 0.25f}));
}

TEST(SoftmaxCrossEntropy, HasTheGradientOfCentralDifferencesInFloat64) {
  const std::vector<std::int32_t> labels = {4, 0, data::kNoLabel, 2};
  std::vector<double> logits(4 * 5);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = 4.0 * static_cast<double>(random_uniform({.seed = 3}, i)) -
                2.0;  // a multiple of 2^-22: exact as float
  }
  const Scored got = score({logits.begin(), logits.end()}, labels);
  EXPECT_EQ(got.score.labels, 3u);
  // Loss: each exponential is off by at most 8 * 2^-24 of itself (shift 2^-24 * 4, its function 2^-22), so is
  // their sum.
  EXPECT_NEAR(got.score.loss_sum, 3.0 * mean_loss(logits, labels), 3.0 * std::ldexp(9.0, -24));
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double step = 1e-5;
    std::vector<double> above = logits, below = logits;
    above[i] += step;
    below[i] -= step;
    const double expected = (mean_loss(above, labels) - mean_loss(below, labels)) / (2.0 * step);
    // Difference: step^2 / 6 * |third derivative| < 2e-11, and 2^-52 * loss / step < 1e-10. Gradient: a
    // probability with the error above and two more roundings, all of it below 1/3: 10 * 2^-24 / 3.
    EXPECT_NEAR(static_cast<double>(got.gradient[i]), expected, std::ldexp(10.0, -24) / 3.0 + 2e-10) << i;
  }
}

// torch.nn.CrossEntropyLoss(label_smoothing=0.3) at logits log 1, log 2, log 5 and label 1: probabilities are
// 1/8, 1/4, 5/8, and the target is 0.1, 0.8, 0.1.
TEST(SoftmaxCrossEntropy, SmoothsLabels) {
  tensor::Arena arena;
  const tensor::TensorForm form{.shape = {2, 3}, .blocks = nullptr};
  SoftmaxCrossEntropy loss(form, arena);
  const std::vector<float> logits = {std::log(1.0f), std::log(2.0f), std::log(5.0f), kNan, kNan, kNan};
  const std::vector<std::int32_t> labels = {1, data::kNoLabel};
  const ScoreWithGradient got = loss.score_with_gradient({&form, logits.data()}, labels, 0.3);
  const double expected = 0.1 * std::log(8.0) + 0.8 * std::log(4.0) + 0.1 * std::log(8.0 / 5.0);
  // Logits are rounded by up to 2^-24 of 1.6, exponentials and their sum likewise.
  const double tolerance = std::ldexp(8.0, -24);
  EXPECT_NEAR(got.score.loss_sum, expected, tolerance);
  EXPECT_EQ(loss.score({&form, logits.data()}, labels, 0.3).loss_sum, got.score.loss_sum);
  const double gradient[] = {0.125 - 0.1, 0.25 - 0.8, 0.625 - 0.1};
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(static_cast<double>(got.gradient.data[c]), gradient[c], tolerance) << c;
    EXPECT_EQ(got.gradient.data[3 + c], 0.0f);
  }
}

TEST(SoftmaxCrossEntropy, IgnoresRowsWithoutALabel) {
  const std::vector<float> row = {1.0f, 2.0f, 0.0f};
  std::vector<float> padded = row;
  padded.insert(padded.end(), {kNan, 5.0f, 5.0f});
  const Scored alone = score(row, {0});
  const Scored both = score(padded, {0, data::kNoLabel});
  EXPECT_EQ(both.score.loss_sum, alone.score.loss_sum);
  EXPECT_EQ(both.score.labels, 1u);
  EXPECT_TRUE(std::equal(alone.gradient.begin(), alone.gradient.end(), both.gradient.begin()));
  EXPECT_EQ(std::vector(both.gradient.begin() + 3, both.gradient.end()), std::vector(3, 0.0f));
}

TEST(SoftmaxCrossEntropy, OfNothingIsNothing) {
  const Scored got = score({1.0f, 2.0f}, {data::kNoLabel});
  EXPECT_EQ(got.score.loss_sum, 0.0);
  EXPECT_EQ(got.score.labels, 0u);
  EXPECT_EQ(got.gradient, std::vector(2, 0.0f));
}

TEST(SoftmaxCrossEntropy, CountsTheLowerClassOnATie) {
  EXPECT_EQ(score({1.0f, 3.0f, 3.0f}, {1}).score.correct, 1u);
  EXPECT_EQ(score({1.0f, 3.0f, 3.0f}, {2}).score.correct, 0u);
}

TEST(SoftmaxCrossEntropy, CountsTheFiveLargestLogitsTheLowerClassFirstOnATie) {
  // Sorted: classes 3, 1, 2, 4, 5, then 6, which ties with 5, then 0.
  const std::vector<float> logits = {0.0f, 4.0f, 3.0f, 5.0f, 2.0f, 1.0f, 1.0f};
  const std::vector<std::size_t> expected = {0, 1, 1, 1, 1, 1, 0};
  for (std::size_t label = 0; label < logits.size(); ++label) {
    EXPECT_EQ(correct_top5(logits, {static_cast<std::int32_t>(label)}), expected[label]) << label;
  }
}

TEST(SoftmaxCrossEntropy, CountsNoTopFiveWithoutALabelOrWithANan) {
  EXPECT_EQ(correct_top5({1.0f, 2.0f}, {data::kNoLabel}), 0u);
  EXPECT_EQ(correct_top5({1.0f, kNan}, {0}), 0u);
  EXPECT_EQ(correct_top5({1.0f, 2.0f}, {0}), 1u);  // all of two classes
}

TEST(SoftmaxCrossEntropy, DoesNotOverflow) {
  const Scored got = score({1000.0f, -1000.0f}, {1});
  EXPECT_DOUBLE_EQ(got.score.loss_sum, 2000.0);
  EXPECT_EQ(got.gradient, (std::vector{1.0f, -1.0f}));
}

TEST(SoftmaxCrossEntropy, OfANanOrAnInfinityIsNanAndNeverCorrect) {
  for (std::size_t at : {0u, 1u, 2u}) {
    for (float bad : {kNan, kInfinity}) {
      std::vector<float> logits = {1.0f, 2.0f, 3.0f};
      logits[at] = bad;
      for (std::int32_t label : {0, 1, 2}) {
        const Scored got = score(logits, {label});
        EXPECT_TRUE(std::isnan(got.score.loss_sum)) << at << ", label " << label;
        EXPECT_EQ(got.score.correct, 0u);
      }
    }
  }
}

TEST(SoftmaxCrossEntropy, RefusesALabelThatIsNoClass) {
  EXPECT_ANY_THROW((void)score({1.0f, 2.0f}, {2}));
  EXPECT_ANY_THROW((void)score({1.0f, 2.0f}, {-2}));
}

}  // namespace
}  // namespace sterna::models
