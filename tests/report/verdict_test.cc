#include "runtime/report/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sterna::report {
namespace {

using testing::HasSubstr;
using testing::Not;

Experiment experiment() {
  Experiment e{.directory = "e"};
  e.measure = "test_accuracy";
  e.variants = {{.name = "adacomp", .settings = {}, .runs = {}},
                {.name = "dense", .settings = {}, .runs = {}}};
  return e;
}

Comparison comparison(const std::string& expected, const std::string& verdict, double low, double high) {
  return {.variant = "adacomp",
          .baseline = "dense",
          .expected = expected,
          .margin = 0.005,
          .pairs = 5,
          .pairs_done = 5,
          .difference = (low + high) / 2,
          .low = low,
          .high = high,
          .verdict = verdict};
}

TEST(Verdict, HoldsWhereItIsWhatWasExpected) {
  const Verdict verdict = verdict_of(experiment(), comparison("equivalent", "equivalent", -0.0010, 0.0004));
  EXPECT_EQ(verdict.outcome, Outcome::kHolds);
  EXPECT_EQ(verdict.headline, "Held: adacomp is equivalent to dense, as expected.");
  // Half of the interval is 0.0007, of which half is 3.5e-4: four places.
  EXPECT_EQ(verdict.text,
            "The test accuracy of adacomp less that of dense is -0.0003 in the mean of 5 pairs of runs, with "
            "a 95 % "
            "interval from -0.0010 to 0.0004. All of it lies within the margin of 0.005 either way: at "
            "95 %, the mean difference is smaller than that.");
}

TEST(Verdict, SaysPlainlyWhatDidNotHold) {
  const Verdict verdict = verdict_of(experiment(), comparison("equivalent", "worse", -0.03, -0.01));
  EXPECT_EQ(verdict.outcome, Outcome::kFails);
  EXPECT_EQ(verdict.headline, "Did not hold: adacomp was expected to be equivalent to dense, and is worse.");
  EXPECT_THAT(verdict.text, HasSubstr("All of it lies on the worse side of 0, beyond the margin of 0.005."));
}

TEST(Verdict, TellsADifferenceThatReachesIntoTheMargin) {
  const Verdict verdict = verdict_of(experiment(), comparison("worse", "better", 0.001, 0.02));
  EXPECT_EQ(verdict.headline, "Did not hold: adacomp was expected to be worse than dense, and is better.");
  EXPECT_THAT(verdict.text, HasSubstr("on the better side of 0, and not within the margin of 0.005."));
}

TEST(Verdict, IsNotSettledWhereRunsDoNotDecide) {
  const Verdict verdict = verdict_of(experiment(), comparison("equivalent", "undecided", -0.01, 0.02));
  EXPECT_EQ(verdict.outcome, Outcome::kUndecided);
  EXPECT_EQ(verdict.headline,
            "Not settled: adacomp was expected to be equivalent to dense; these runs do not decide it.");
  EXPECT_THAT(verdict.text, HasSubstr("reaches beyond the margin of 0.005 and holds 0"));
}

TEST(Verdict, ExpectsNothingOfAnOpenQuestion) {
  const Verdict verdict = verdict_of(experiment(), comparison("open", "better", 0.01, 0.02));
  EXPECT_EQ(verdict.outcome, Outcome::kOpen);
  EXPECT_EQ(verdict.headline, "Nothing was expected: adacomp is better than dense.");
  EXPECT_THAT(verdict_of(experiment(), comparison("open", "undecided", -0.01, 0.02)).headline,
              HasSubstr("neither shown to equal nor to differ from dense"));
}

TEST(Verdict, WaitsForRunsThatAreMissing) {
  Comparison c = comparison("equivalent", "equivalent", -0.0010, 0.0004);
  c.planned_pairs = 6;
  const Verdict verdict = verdict_of(experiment(), c);
  EXPECT_EQ(verdict.outcome, Outcome::kUnfinished);
  EXPECT_EQ(verdict.headline,
            "Not finished: 5 of 6 pairs of adacomp and dense are there; expected: equivalent to dense.");
  c.expected = "open";
  EXPECT_EQ(verdict_of(experiment(), c).headline,
            "Not finished: 5 of 6 pairs of adacomp and dense are there.");
  c.planned_pairs = 5;
  EXPECT_EQ(outcome_of(c), Outcome::kOpen);
}

TEST(Verdict, HasRelativeDifferencesInPerCent) {
  Comparison c = comparison("equivalent", "equivalent", -0.010, 0.004);
  c.margin = 0.02;
  c.is_margin_relative = true;
  // In per cent: -0.3, from -1.0 to 0.4; half of it 0.7, of which half is 0.35: one place.
  EXPECT_THAT(
      verdict_of(experiment(), c).text,
      HasSubstr(
          "is -0.3 % of dense's in the mean of 5 pairs of runs, with a 95 % interval from -1.0 % to 0.4 %. "
          "All of it lies within the margin of 2 %"));
}

TEST(Verdict, CountsRunsThatDiverged) {
  Experiment e = experiment();
  e.variants[0].runs = {{.status = "done"}, {.status = "diverged"}, {.status = "failed"}};
  Comparison c = comparison("worse", "worse", -0.01, -0.002);
  c.pairs_done = 4;
  c.is_by_divergence = true;
  const std::string text = verdict_of(e, c).text;
  EXPECT_THAT(text, HasSubstr("in the mean of 4 pairs of runs"));
  EXPECT_THAT(text, HasSubstr("1 of 3 runs of adacomp diverged, which counts as worse than any number."));
  EXPECT_THAT(text, HasSubstr("1 of 3 runs of adacomp failed and are not counted."));
  EXPECT_THAT(text, Not(HasSubstr("side of 0")));  // it is not the interval that made the verdict
  c.verdict = "undecided";
  EXPECT_THAT(verdict_of(e, c).text, HasSubstr(" Runs that diverged contradict it, or one another."));
}

TEST(Verdict, SaysWhereThereIsNoInterval) {
  Comparison c = comparison("worse", "worse", -0.01, -0.01);
  c.pairs_done = 1;
  c.low = c.high = std::nullopt;
  EXPECT_THAT(verdict_of(experiment(), c).text,
              HasSubstr("is -0.0100 in the mean of 1 pair of runs, too few for an interval."));
  c.pairs_done = 0;
  c.difference = std::nullopt;
  EXPECT_THAT(verdict_of(experiment(), c).text,
              HasSubstr("There is no difference to show: in no pair were both runs done."));
}

}  // namespace
}  // namespace sterna::report
