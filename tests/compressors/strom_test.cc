#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compressors/signed_elements.h"
#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

// n = 5, tau = 0.5: G = 0.25, -1.5, 0.25, 0, 0.75; elements 1 and 4 reach it. Codes of 3 bits of index and a
// sign: 1 + 8 and 4, lowest first: 0x49. Their count is 2.
const Values kGradient = {0.25f, -1.0f, 0.5f, 0.0f, 0.25f};
const Values kResidue = {0.0f, -0.5f, -0.25f, 0.0f, 0.5f};
const Bytes kGolden = bytes_of({2, 0, 0, 0, 0x49});

std::unique_ptr<Compressor> make(std::size_t n, float threshold = 0.5f) {
  return make_compressor("strom", {.elements = n}, {.threshold = threshold});
}

TEST(Strom, WritesTheBytesItsGrammarShowsAndKeepsWhatIsBeyondTheThreshold) {
  Values residue = kResidue;
  const Sent sent = send(*make(5), kGradient, residue);
  EXPECT_EQ(sent.payload, kGolden);
  EXPECT_EQ(sent.elements, 2u);
  EXPECT_THAT(residue, testing::ElementsAre(0.25f, -1.0f, 0.25f, 0.0f, 0.25f));
  EXPECT_THAT(decoded(*make(5), sent, 5), testing::ElementsAre(0.0f, -0.5f, 0.0f, 0.0f, 0.5f));
}

TEST(Strom, SendsNothingWhereNothingReachesTheThreshold) {
  Values residue(3);
  EXPECT_TRUE(send(*make(3), {0.49f, -0.49f, 0.0f}, residue).payload.empty());
  EXPECT_THAT(residue, testing::ElementsAre(0.49f, -0.49f, 0.0f));
}

TEST(Strom, SendsWhatEqualsTheThreshold) {
  Values residue(2);
  EXPECT_EQ(send(*make(2), {0.5f, -0.5f}, residue).elements, 2u);
  EXPECT_THAT(residue, testing::Each(0.0f));
}

// Three thresholds' worth takes three steps; an index of no bits and a sign.
TEST(Strom, SendsOneThresholdOfAnElementAStep) {
  const auto compressor = make(1);
  Values residue(1);
  Values gradient = {-1.75f};
  for (const float left : {-1.25f, -0.75f, -0.25f}) {
    EXPECT_EQ(send(*compressor, gradient, residue).payload, bytes_of({1, 0, 0, 0, 1}));
    EXPECT_EQ(residue[0], left);
    gradient = {0.0f};
  }
  EXPECT_TRUE(send(*compressor, gradient, residue).payload.empty());
}

// Around the blocks in which elements are sought; of unit normal values 1 of 3 is beyond 1, 1 of 16000
// beyond 4.
TEST(Strom, FindsWhatAPlainSearchFinds) {
  for (const std::size_t n : {31u, 32u, 33u, 1023u, 1024u, 1025u, 20011u}) {
    for (const float threshold : {1.0f, 4.0f}) {
      const Values gradient = normal_values(n, /*seed=*/n);
      Values expected(n);
      for (std::size_t i = 0; i < n; ++i) {
        if (std::fabs(gradient[i]) >= threshold) expected[i] = std::copysign(threshold, gradient[i]);
      }
      Values residue(n);
      const auto compressor = make(n, threshold);
      EXPECT_EQ(decoded(*compressor, send(*compressor, gradient, residue), n), expected) << n;
    }
  }
}

TEST(Thresholds, AreOfEachSignAlone) {
  const Thresholds thresholds{.positive_bits = std::bit_cast<std::uint32_t>(2.0f),
                              .negative_bits = std::bit_cast<std::uint32_t>(3.0f)};
  for (const float value : {2.0f, 2.5f, 1e38f, -3.0f, -4.0f})
    EXPECT_TRUE(thresholds.are_reached_by(value)) << value;
  for (const float value : {0.0f, -0.0f, 1.75f, -2.0f, -2.75f}) {
    EXPECT_FALSE(thresholds.are_reached_by(value)) << value;
  }
}

TEST(Strom, AddsUpWhatItDecodes) {
  Values out(5, 1.0f);
  make(5)->accumulate(kGolden, out);
  EXPECT_THAT(out, testing::ElementsAre(1.0f, 0.5f, 1.0f, 1.0f, 1.5f));
}

void refuse(const Bytes& payload, std::size_t n = 5) {
  Values out(n);
  EXPECT_THROW(make(n)->accumulate(payload, out), WireError);
}

TEST(Strom, RefusesSignsWithoutACount) {
  refuse(bytes_of({1, 0, 0}));
}
TEST(Strom, RefusesACountOfNone) {
  refuse(bytes_of({0, 0, 0, 0}));
}
TEST(Strom, RefusesFewerSignsThanItsCount) {
  refuse(bytes_of({3, 0, 0, 0, 0x49}));
}
TEST(Strom, RefusesMoreSignsThanItsCount) {
  refuse(bytes_of({2, 0, 0, 0, 0x49, 0x00}));
}
TEST(Strom, RefusesIndicesThatDoNotAscend) {
  refuse(bytes_of({2, 0, 0, 0, 0x19}));  // 1 and 1
}
TEST(Strom, RefusesAnIndexBeyondTheLayer) {
  refuse(bytes_of({1, 0, 0, 0, 0x05}));
}
TEST(Strom, RefusesPaddingThatIsSet) {
  refuse(bytes_of({1, 0, 0, 0, 0x11}));
}
TEST(Strom, RefusesAnythingForALayerOfNone) {
  refuse(bytes_of({1, 0, 0, 0, 0}), 0);
}

}  // namespace
}  // namespace sterna::compressors
