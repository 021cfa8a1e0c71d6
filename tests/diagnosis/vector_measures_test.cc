#include "runtime/diagnosis/vector_measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sterna::diagnosis {
namespace {

using testing::ElementsAre;

using Values = std::vector<float>;

std::vector<std::span<const float>> spans_of(const std::vector<Values>& vectors) {
  return {vectors.begin(), vectors.end()};
}

TEST(MagnitudeQuantiles, LieBetweenTwoMagnitudes) {
  // Magnitudes 1, 2, 4, 8, 16 at places 0 to 4: 10 % is at 0.4, 50 % at 2, 75 % at 3, 95 % at 3.8.
  EXPECT_THAT(magnitude_quantiles(Values{-8, 1, 16, -2, 4}, std::vector<double>{0, 10, 50, 75, 95, 100}),
              ElementsAre(1, testing::DoubleEq(1.4), 4, 8, testing::DoubleEq(14.4), 16));
}

TEST(MagnitudeQuantiles, OfOneValueAreIt) {
  EXPECT_THAT(magnitude_quantiles(Values{-3}, std::vector<double>{1, 50, 99.9}), ElementsAre(3, 3, 3));
}

TEST(MagnitudeQuantiles, MayRepeat) {
  // 25 % and 26 % of three values lie at places 0.5 and 0.52, between the same two.
  EXPECT_THAT(magnitude_quantiles(Values{4, 0, 2}, std::vector<double>{25, 25, 26}),
              ElementsAre(1, 1, testing::DoubleEq(1.04)));
}

TEST(MeanCosineDistance, OfTwoIsOneLessTheCosine) {
  const std::vector<Values> vectors = {{1, 0, 0, -2}, {0, 3, 0, -1}};
  // (0 + 0 + 0 + 2) / (sqrt(5) sqrt(10))
  EXPECT_NEAR(mean_cosine_distance(spans_of(vectors)).value(), 1.0 - 2.0 / std::sqrt(50.0), 1e-15);
}

TEST(MeanCosineDistance, IsTheMeanOverAllPairs) {
  // Of three pairs one is at 45 degrees, one at 90, one at 135. Lengths do not matter.
  const std::vector<Values> vectors = {{2, 0}, {0, 5}, {-1, 1}};
  const double cosines = 0.0 - std::sqrt(0.5) + std::sqrt(0.5);
  EXPECT_NEAR(mean_cosine_distance(spans_of(vectors)).value(), 1.0 - cosines / 3.0, 1e-15);
  const std::vector<Values> like = {{1, 2}, {2, 4}, {3, 6}};
  EXPECT_NEAR(mean_cosine_distance(spans_of(like)).value(), 0.0, 1e-15);
  const std::vector<Values> opposite = {{1, 2}, {-2, -4}};
  EXPECT_NEAR(mean_cosine_distance(spans_of(opposite)).value(), 2.0, 1e-15);
}

TEST(MeanCosineDistance, NeedsTwoDirections) {
  EXPECT_FALSE(mean_cosine_distance(spans_of({{1, 2}})).has_value());
  EXPECT_FALSE(mean_cosine_distance(spans_of({{1, 2}, {0, 0}})).has_value());
}

TEST(Means, AreOverLearners) {
  const std::vector<Values> a = {{1, 2}, {3, 4}, {5, 9}};
  const std::vector<Values> b = {{-1, 1}, {-3, 1}, {-2, 1}};
  EXPECT_EQ(mean_of(spans_of(a)), (Values{3, 5}));
  EXPECT_EQ(mean_of_sums(spans_of(a), spans_of(b)), (Values{1, 6}));
}

TEST(Contraction, IsWhatIsLeftOfTheSquare) {
  // (3, 4, 12) less (3, 0, 10): 16 + 4 of 169.
  EXPECT_EQ(contraction(Values{3, 4, 12}, Values{3, 0, 10}), 20.0 / 169.0);
  EXPECT_FALSE(contraction(Values{0, 0}, Values{0, 0}).has_value());
}

}  // namespace
}  // namespace sterna::diagnosis
