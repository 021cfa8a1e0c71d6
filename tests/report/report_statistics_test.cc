#include "runtime/report/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sterna::report {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Statistics, TakeTheMedianOfWhatComesAfterTheFirstTenth) {
  // Of ten values one is left out; the others' middle is the fifth of 2, 3, ..., 10.
  EXPECT_EQ(settled_median({1000, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 6);
  EXPECT_EQ(settled_median({kNan, 3, kNan, 1}), 2);
  EXPECT_TRUE(std::isnan(settled_median({kNan})));
  EXPECT_TRUE(std::isnan(settled_median({})));
}

TEST(Statistics, AverageAValueWithThoseBeforeIt) {
  EXPECT_THAT(trailing_mean({3, 5, 7, 3}, 2), ElementsAre(3, 4, 6, 5));
  EXPECT_THAT(trailing_mean({3, 5}, 1), ElementsAre(3, 5));
  EXPECT_THAT(trailing_mean({}, 9), IsEmpty());
}

TEST(Statistics, MakeABandOfCurvesOfWhichSomeEndEarly) {
  const Band band = band_of({{1, 2, 3}, {3, kNan}});
  EXPECT_THAT(band.mean, ElementsAre(2, 2, 3));
  EXPECT_THAT(band.low, ElementsAre(1, 2, 3));
  EXPECT_THAT(band.high, ElementsAre(3, 2, 3));
  EXPECT_TRUE(std::isnan(band_of({{kNan}}).mean[0]));
}

TEST(Statistics, ThinWithBothEnds) {
  EXPECT_THAT(thinned(3, 4), ElementsAre(0, 1, 2));
  EXPECT_THAT(thinned(10, 4), ElementsAre(0, 3, 6, 9));
  EXPECT_THAT(thinned(8, 3), ElementsAre(0, 3, 7));
  EXPECT_THAT(thinned(0, 2), IsEmpty());
}

TEST(Statistics, FindWhatNoOtherResultBeats) {
  // (40, 0.99) is dearer and worse than (30, 0.995); equal results are on the front together.
  const std::vector<Result> results = {{100, 0.999}, {40, 0.99},  {30, 0.995},
                                       {1, 0.5},     {30, 0.995}, {2, kNan}};
  EXPECT_THAT(pareto_front(results, /*is_higher_better=*/true), ElementsAre(3, 2, 4, 0));
  // Of losses the cheapest is the best.
  EXPECT_THAT(pareto_front(results, /*is_higher_better=*/false), ElementsAre(3));
}

TEST(Statistics, RoundToWhatAnIntervalJustifies) {
  // Half of 0.0007 is 3.5e-4, so that 1e-4 is the last place; half of 0.0002 is 1e-4 itself; half of 30
  // is 15.
  EXPECT_EQ(justified_decimals(0.9905, 0.0007), 4);
  EXPECT_EQ(justified_decimals(0.9905, 0.0002), 4);
  EXPECT_EQ(justified_decimals(0.9905, 0.00019), 5);
  EXPECT_EQ(justified_decimals(31116, 30), 0);
  EXPECT_EQ(justified_decimals(0.9905, std::nullopt), 4);
  EXPECT_EQ(justified_decimals(0.9905, 0.0), 4);  // all runs alike
  EXPECT_EQ(justified_decimals(0.0, std::nullopt), 0);
}

TEST(Statistics, WriteNumbers) {
  EXPECT_EQ(grouped_text(31116.2), "31,116");
  EXPECT_EQ(grouped_text(999), "999");
  EXPECT_EQ(grouped_text(-1234567), "-1,234,567");
  EXPECT_EQ(grouped_text(kNan), "not known");
  EXPECT_EQ(digits_text(74.81, 3), "74.8");
  EXPECT_EQ(digits_text(kNan, 3), "not known");
}

}  // namespace
}  // namespace sterna::report
