#include "runtime/plot/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sterna::plot {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

// Multiples of a step are not exact in binary.
constexpr double kRounding = 1e-12;

TEST(Axis, HasRoundTicksBetweenItsEnds) {
  // A fifth of 4690 is 938, so 1000 apart.
  const Axis axis = linear_axis(1, 4691);
  EXPECT_EQ(axis.low, 1);
  EXPECT_EQ(axis.high, 4691);
  EXPECT_THAT(axis.ticks, ElementsAre(1000, 2000, 3000, 4000));
  EXPECT_DOUBLE_EQ(axis.part(2346), 0.5);
}

TEST(Axis, GoesOutToTheNextTicks) {
  // A fifth of 0.0061 is 0.00122, so 0.002 apart.
  const Axis axis = linear_axis_to_ticks(0.9852, 0.9913);
  EXPECT_THAT(axis.ticks, Pointwise(DoubleNear(kRounding), {0.984, 0.986, 0.988, 0.990, 0.992}));
  EXPECT_DOUBLE_EQ(axis.low, 0.984);
  EXPECT_DOUBLE_EQ(axis.high, 0.992);
}

TEST(Axis, ShowsNegativeValues) {
  // A fifth of 3 is 0.6, so 1 apart.
  EXPECT_THAT(linear_axis_to_ticks(-1.5, 1.5).ticks, ElementsAre(-2, -1, 0, 1, 2));
}

TEST(Axis, MovesEqualEndsApart) {
  EXPECT_EQ(linear_axis(0, 0).high, 1);
  const Axis axis = linear_axis(4, 4);
  EXPECT_EQ(axis.low, 2);
  EXPECT_EQ(axis.high, 6);
  EXPECT_EQ(linear_axis_to_ticks(-4, -4).part(-4), 0.5);
}

TEST(Axis, HasPowersOfTenAloneWhereItIsLong) {
  EXPECT_THAT(logarithmic_axis(1, 50).ticks, ElementsAre(1, 2, 5, 10, 20, 50));
  EXPECT_THAT(logarithmic_axis(1, 900).ticks, ElementsAre(1, 10, 100, 1000));
  // 20 powers: every third of them, for there are 8 at most.
  EXPECT_THAT(logarithmic_axis(1e-10, 1e10).ticks,
              Pointwise(testing::DoubleEq(), {1e-9, 1e-6, 1e-3, 1e0, 1e3, 1e6, 1e9}));
}

TEST(Axis, HasEvenTicksWhereItIsTooShortForRoundOnes) {
  // 3 to 3.6, with a margin 2.61 to 4.14: a quarter of it is 0.38, so 0.5 apart.
  EXPECT_THAT(logarithmic_axis(3, 3.6).ticks, ElementsAre(3, 3.5, 4));
}

TEST(Axis, LeavesOutTicksThatWouldTouch) {
  // ln 8 / ln 7 = 1.07, so that 8 is 0.02 of the axis from 7; 1024 is its end.
  EXPECT_THAT(axis_of_values({1, 7, 8, 1024}).ticks, ElementsAre(1, 7, 1024));
}

TEST(Axis, WritesTicksShortly) {
  EXPECT_EQ(tick_text(0), "0");
  EXPECT_EQ(tick_text(0.05), "0.05");
  EXPECT_EQ(tick_text(0.9925), "0.9925");
  EXPECT_EQ(tick_text(200000), "200000");
  EXPECT_EQ(tick_text(2e6), "2e+06");
  EXPECT_EQ(tick_text(-1e-7), "-1e-07");
}

}  // namespace
}  // namespace sterna::plot
