// The loss of a classifier and its gradient.
#include "tests/tensor/cuda/both.h"

namespace sterna::tensor::cuda {
namespace {

// Losses are sums of float64 over exponentials, each off by 2^-22 of itself on the CPU, and less on a GPU; so
// is their sum, and the loss, its logarithm, by as much. A gradient is weight times a share of that sum.
constexpr double kExponentialError = 0x1p-21;

struct Scored {
  CrossEntropySums sums;
  std::size_t in_top5 = 0;
  Values gradient;
};

Scored score(Operations& operations, const Values& logits, const std::vector<std::int32_t>& labels,
             const CrossEntropyOptions& options) {
  Workshop on(operations);
  const std::size_t rows = labels.size(), classes = logits.size() / rows;
  const auto loss = operations.make_cross_entropy(rows, classes);
  const auto input = on.tensor(plain({rows, classes}), logits);
  const auto there = on.upload(labels);
  const auto gradient = on.output(plain({rows, classes}));
  loss->score(input, there, options, gradient);
  Scored scored;
  scored.in_top5 = loss->count_in_top5(input, there);
  scored.sums = loss->sums();
  scored.gradient = on.download(gradient);
  return scored;
}

void compare(const Values& logits, const std::vector<std::int32_t>& labels,
             const CrossEntropyOptions& options) {
  const Scored expected = score(cpu_operations(), logits, labels, options);
  const Scored found = score(device_operations(), logits, labels, options);
  EXPECT_EQ(found.sums.correct, expected.sums.correct);
  EXPECT_EQ(found.in_top5, expected.in_top5);
  if (std::isnan(expected.sums.loss)) {
    EXPECT_TRUE(std::isnan(found.sums.loss));
  } else {
    EXPECT_NEAR(found.sums.loss, expected.sums.loss, kExponentialError * static_cast<double>(labels.size()));
  }
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(expected.gradient[i]) && std::isnan(found.gradient[i])) continue;
    ASSERT_NEAR(found.gradient[i], expected.gradient[i], 4.0 * kExponentialError * options.weight) << i;
  }
}

std::vector<std::int32_t> some_labels(std::size_t rows, std::size_t classes) {
  std::vector<std::int32_t> labels(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    labels[row] =
        static_cast<std::int32_t>(random_below({.seed = 9}, row, static_cast<std::uint32_t>(classes)));
    if (row % 5 == 4) labels[row] = -1;
  }
  return labels;
}

TEST(CudaCrossEntropy, IsThatOfTheCpu) {
  for (const std::size_t classes : {1u, 2u, 10u, 33u, 300u}) {
    for (const std::size_t rows : {1u, 8u, 41u}) {
      for (const double smoothing : {0.0, 0.1}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, " << classes << " classes, " << smoothing);
        compare(normal_values(rows * classes, 1, 5.0f), some_labels(rows, classes),
                {.weight = 1.0 / static_cast<double>(rows), .label_smoothing = smoothing});
      }
    }
  }
}

// Ties: the lower class comes first.
TEST(CudaCrossEntropy, CountsTiesAsTheCpuDoes) {
  constexpr std::size_t kClasses = 40;
  Values logits(3 * kClasses, 1.0f);
  compare(logits, {0, 4, 5}, {.weight = 1.0});
  const Scored scored = score(device_operations(), logits, {0, 4, 5}, {.weight = 1.0});
  EXPECT_EQ(scored.sums.correct, 1u);  // class 0 of the first row
  EXPECT_EQ(scored.in_top5, 2u);       // classes 0 and 4, and not 5
}

TEST(CudaCrossEntropy, MakesALossNanThatHasNoNumber) {
  for (const float what : {kNan, kInfinity}) {
    for (const std::size_t at : {0u, 3u, 9u}) {
      Values logits = normal_values(10, 1);
      logits[at] = what;
      compare(logits, {3}, {.weight = 1.0});
      EXPECT_TRUE(std::isnan(score(device_operations(), logits, {3}, {.weight = 1.0}).sums.loss));
    }
  }
  Values logits = normal_values(10, 1);
  logits[7] = -kInfinity;  // a class that cannot be
  compare(logits, {3}, {.weight = 1.0});
}

TEST(CudaCrossEntropy, LeavesOutRowsWithoutALabel) {
  const Scored scored = score(device_operations(), normal_values(20, 1), {-1, -1}, {.weight = 1.0});
  EXPECT_EQ(scored.sums.loss, 0.0);
  EXPECT_EQ(scored.sums.correct + scored.in_top5, 0u);
  EXPECT_EQ(scored.gradient, Values(20, 0.0f));
}

}  // namespace
}  // namespace sterna::tensor::cuda
