// Expected values with more than four digits are those of SciPy 1.17:
//   stats.t.ppf((1 + confidence) / 2, degrees)
//   stats.t.interval(0.95, len(x) - 1, loc=mean(x), scale=stats.sem(x))
#include "runtime/experiment/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sterna::experiment {
namespace {

TEST(StudentQuantile, AgreesWithSciPy) {
  const std::vector<std::pair<std::size_t, double>> kExpected = {
      {1, 12.706204736174694},  {2, 4.302652729749462},    {3, 3.1824463052837078}, {4, 2.7764451051977934},
      {5, 2.5705818356363146},  {9, 2.262157162798205},    {10, 2.228138851986274}, {29, 2.045229642132703},
      {30, 2.0422724563012378}, {100, 1.9839715185235518},
  };
  for (const auto& [degrees, expected] : kExpected) {
    EXPECT_NEAR(student_quantile(degrees, 0.95), expected, 1e-8) << degrees;
  }
  EXPECT_NEAR(student_quantile(1, 0.99), 63.656741162871526, 1e-7);
  EXPECT_NEAR(student_quantile(4, 0.99), 4.604094871349992, 1e-8);
}

// With one degree the distribution is Cauchy's: t = tan(pi/2 confidence); with two, confidence = t / sqrt(2 +
// t^2).
TEST(StudentQuantile, AgreesWithTheClosedFormsOfOneAndTwoDegrees) {
  for (double confidence : {0.1, 0.5, 0.9, 0.99}) {
    EXPECT_NEAR(student_quantile(1, confidence), std::tan(0.5 * std::acos(-1.0) * confidence), 1e-8);
    const double t = confidence * std::sqrt(2.0 / (1.0 - confidence * confidence));
    EXPECT_NEAR(student_quantile(2, confidence), t, 1e-8);
  }
}

TEST(Estimate, AgreesWithSciPy) {
  const Estimate of_five = estimate(std::vector<double>{0.9911, 0.9904, 0.9899, 0.9915, 0.9907});
  EXPECT_NEAR(of_five.mean, 0.99072, 1e-12);
  ASSERT_TRUE(of_five.bounds);
  EXPECT_NEAR(of_five.bounds->low, 0.9899525753046363, 1e-12);
  EXPECT_NEAR(of_five.bounds->high, 0.991487424695364, 1e-12);
}

TEST(Estimate, HasNoBoundsOfASingleValue) {
  const Estimate of_one = estimate(std::vector<double>{0.5});
  EXPECT_EQ(of_one.mean, 0.5);
  EXPECT_FALSE(of_one.bounds);
}

TEST(Judge, FollowsItsRule) {
  const bool kHigherIsBetter = true;
  EXPECT_EQ(judge({.low = -0.004, .high = 0.004}, 0.005, kHigherIsBetter), Verdict::kEquivalent);
  // Within the margin and on one side of 0: equivalent comes first.
  EXPECT_EQ(judge({.low = 0.001, .high = 0.004}, 0.005, kHigherIsBetter), Verdict::kEquivalent);
  EXPECT_EQ(judge({.low = 0.001, .high = 0.006}, 0.005, kHigherIsBetter), Verdict::kBetter);
  EXPECT_EQ(judge({.low = 0.001, .high = 0.006}, 0.005, !kHigherIsBetter), Verdict::kWorse);
  EXPECT_EQ(judge({.low = -0.006, .high = -0.001}, 0.005, kHigherIsBetter), Verdict::kWorse);
  EXPECT_EQ(judge({.low = -0.006, .high = -0.001}, 0.005, !kHigherIsBetter), Verdict::kBetter);
  EXPECT_EQ(judge({.low = -0.006, .high = 0.001}, 0.005, kHigherIsBetter), Verdict::kUndecided);
  // The borders are outside: (-margin, margin), and 0 is on no side.
  EXPECT_EQ(judge({.low = -0.005, .high = 0.004}, 0.005, kHigherIsBetter), Verdict::kUndecided);
  EXPECT_EQ(judge({.low = 0.0, .high = 0.006}, 0.005, kHigherIsBetter), Verdict::kUndecided);
}

// SciPy, of (variant - baseline) / mean(baseline).
TEST(Compare, TakesPartsOfTheBaselinesMean) {
  const std::vector<Pair> pairs = {{1.60, 1.61}, {1.63, 1.62}, {1.58, 1.60}};
  const Difference difference = compare(pairs, 0.03, /*is_relative=*/true, /*is_higher_better=*/false);
  ASSERT_TRUE(difference.estimate && difference.estimate->bounds);
  EXPECT_NEAR(difference.estimate->mean, -0.004140786749482451, 1e-12);
  EXPECT_NEAR(difference.estimate->bounds->low, -0.027709625467474578, 1e-9);
  EXPECT_NEAR(difference.estimate->bounds->high, 0.019428051968509674, 1e-9);
  EXPECT_EQ(difference.verdict, Verdict::kEquivalent);
}

// Each seed moves both variants alike: their difference, 0.01, is known exactly, though they scatter by 0.1.
TEST(Compare, IsByPairs) {
  const std::vector<Pair> pairs = {{0.51, 0.50}, {0.61, 0.60}, {0.71, 0.70}};
  const Difference difference = compare(pairs, 0.005, /*is_relative=*/false, /*is_higher_better=*/true);
  ASSERT_TRUE(difference.estimate && difference.estimate->bounds);
  EXPECT_NEAR(difference.estimate->bounds->low, 0.01, 1e-9);
  EXPECT_EQ(difference.verdict, Verdict::kBetter);
}

TEST(Compare, IsUndecidedWithOnePairOrNone) {
  EXPECT_EQ(compare({}, 1.0, false, true).verdict, Verdict::kUndecided);
  EXPECT_FALSE(compare({}, 1.0, false, true).estimate);
  const std::vector<Pair> one = {{0.5, 0.5}};
  EXPECT_EQ(compare(one, 1.0, false, true).verdict, Verdict::kUndecided);
  EXPECT_TRUE(compare(one, 1.0, false, true).estimate);
}

TEST(Compare, TakesARunThatDivergedAsWorseThanAnyNumber) {
  const Pair equal = {0.5, 0.5};
  const Pair variant_diverged = {std::nullopt, 0.5};
  const Pair baseline_diverged = {0.5, std::nullopt};
  const Pair both_diverged = {std::nullopt, std::nullopt};
  const auto verdict = [](const std::vector<Pair>& pairs, bool is_higher_better = true) {
    return compare(pairs, 0.1, /*is_relative=*/false, is_higher_better).verdict;
  };
  EXPECT_EQ(verdict({equal, equal, both_diverged}), Verdict::kEquivalent);
  EXPECT_EQ(verdict({equal, equal, variant_diverged}), Verdict::kWorse);
  EXPECT_EQ(verdict({equal, equal, variant_diverged}, /*is_higher_better=*/false), Verdict::kWorse);
  EXPECT_EQ(verdict({equal, equal, baseline_diverged}), Verdict::kBetter);
  EXPECT_EQ(verdict({variant_diverged, baseline_diverged}), Verdict::kUndecided);
  EXPECT_EQ(verdict({both_diverged, both_diverged}), Verdict::kUndecided);
}

TEST(Compare, IsUndecidedWhereTheIntervalContradictsARunThatDiverged) {
  const std::vector<Pair> better = {{0.9, 0.5}, {0.8, 0.4}, {0.7, 0.3}};
  const auto verdict = [&](const Pair& last, bool is_higher_better) {
    std::vector<Pair> pairs = better;
    pairs.push_back(last);
    return compare(pairs, 0.1, /*is_relative=*/false, is_higher_better).verdict;
  };
  const Pair variant_diverged = {std::nullopt, 0.5};
  const Pair baseline_diverged = {0.5, std::nullopt};
  EXPECT_EQ(verdict(variant_diverged, /*is_higher_better=*/true), Verdict::kUndecided);
  EXPECT_EQ(verdict(variant_diverged, /*is_higher_better=*/false), Verdict::kWorse);
  EXPECT_EQ(verdict(baseline_diverged, /*is_higher_better=*/true), Verdict::kBetter);
  EXPECT_EQ(verdict(baseline_diverged, /*is_higher_better=*/false), Verdict::kUndecided);
}

TEST(Compare, SaysWhatTheVerdictRestsOn) {
  const std::vector<Pair> pairs = {{0.5, 0.5}, {0.5, 0.5}, {std::nullopt, 0.5}, {std::nullopt, std::nullopt}};
  const Difference difference = compare(pairs, 0.1, /*is_relative=*/false, /*is_higher_better=*/true);
  EXPECT_EQ(difference.pairs, 2u);
  EXPECT_TRUE(difference.is_by_divergence);
  EXPECT_FALSE(compare(std::span(pairs).first(2), 0.1, false, true).is_by_divergence);
}

}  // namespace
}  // namespace sterna::experiment
