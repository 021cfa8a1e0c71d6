#include "runtime/core/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

namespace sterna {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The known answers are those of Random123's file kat_vectors, rows "philox4x32 10".
TEST(Philox, KnowsTheAnswerForZeros) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(Philox, KnowsTheAnswerForOnes) {
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Philox, KnowsTheAnswerForTheDigitsOfPi) {
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// Index 6 is word 2 of block 1. Block 1, layer 2, step 3, learner 4 make the counter (1, 2 << 16, 3, 4); seed
// 5 and use kTest = 8 make the key (5, 8 << 24).
TEST(RandomBits, PlacesTheKeysFieldsAsDocumented) {
  const RandomKey key{.seed = 5, .use = RandomUse::kTest, .learner = 4, .step = 3, .layer = 2};
  EXPECT_EQ(random_bits(key, 6), philox({1, 2u << 16, 3, 4}, {5, 8u << 24})[2]);
}

TEST(RandomBits, DifferIfAnyFieldOfTheKeyDiffers) {
  const RandomKey base{.seed = 1, .use = RandomUse::kTest, .learner = 1, .step = 1, .layer = 1};
  std::vector<RandomKey> keys(7, base);
  keys[1].seed = 2;
  keys[2].seed = 1 + (std::uint64_t{1} << 32);
  keys[3].use = RandomUse::kDropout;
  keys[4].learner = 2;
  keys[5].step = 2;
  keys[6].layer = 2;
  // 7 streams of 64 words: two of 448 uniform words agree with probability below 448^2 / 2 / 2^32 < 2.4e-5,
  // and these are fixed.
  std::set<std::uint32_t> words;
  for (const RandomKey& key : keys) {
    for (std::uint64_t index = 0; index < 64; ++index) words.insert(random_bits(key, index));
  }
  EXPECT_EQ(words.size(), 7u * 64u);
}

TEST(RandomBits, DifferForIndicesBeyond32Bits) {
  const RandomKey key{.seed = 1};
  EXPECT_NE(random_bits(key, 0), random_bits(key, std::uint64_t{1} << 34));
  EXPECT_NE(random_bits(key, 0), random_bits(key, std::uint64_t{1} << 49));
}

// Below, n = 2^16 independent draws. A mean of n draws with deviation s lies within 5 s / sqrt(n) of its
// expectation but for one seed in 1.7 million; sqrt(n) = 256.
constexpr std::uint64_t kDraws = std::uint64_t{1} << 16;
constexpr double kBound = 5.0 / 256.0;

TEST(RandomUniform, IsAMultipleOfTwoToTheMinus24BelowOne) {
  const RandomKey key{.seed = 3};
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const float value = random_uniform(key, i);
    ASSERT_GE(value, 0.0f);
    ASSERT_LT(value, 1.0f);
    ASSERT_EQ(value * 0x1p24f, std::floor(value * 0x1p24f));
  }
}

TEST(RandomUniform, HasTheMomentsOfAUniformValue) {
  const RandomKey key{.seed = 4};
  double sum = 0.0;
  double squares = 0.0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double value = random_uniform(key, i);
    sum += value;
    squares += value * value;
  }
  const double n = static_cast<double>(kDraws);
  EXPECT_NEAR(sum / n, 0.5, kBound * std::sqrt(1.0 / 12.0));  // variance 1/12
  // E[x^2] = 1/3 with variance E[x^4] - 1/9 = 1/5 - 1/9 = 4/45
  EXPECT_NEAR(squares / n, 1.0 / 3.0, kBound * std::sqrt(4.0 / 45.0));
}

TEST(RandomNormal, HasTheMomentsOfAStandardNormalValue) {
  const RandomKey key{.seed = 5};
  std::array<double, 4> sums{};  // of x, x^2, x^3, x^4
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double value = random_normal(key, i);
    double power = 1.0;
    for (double& sum : sums) sum += power *= value;
  }
  // E[x^2k] = 1, 3, 15, 105 for k = 1 ... 4, so x, x^2, x^3, x^4 have variances 1, 3 - 1, 15, 105 - 9.
  const double n = static_cast<double>(kDraws);
  EXPECT_NEAR(sums[0] / n, 0.0, kBound * 1.0);
  EXPECT_NEAR(sums[1] / n, 1.0, kBound * std::sqrt(2.0));
  EXPECT_NEAR(sums[2] / n, 0.0, kBound * std::sqrt(15.0));
  EXPECT_NEAR(sums[3] / n, 3.0, kBound * std::sqrt(96.0));
}

TEST(RandomNormal, DoesNotCorrelateWithItsNeighbour) {
  const RandomKey key{.seed = 6};
  double products = 0.0;  // of independent standard normal values: expectation 0, variance 1
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    products += static_cast<double>(random_normal(key, i)) * static_cast<double>(random_normal(key, i + 1));
  }
  EXPECT_NEAR(products / static_cast<double>(kDraws), 0.0, kBound);
}

TEST(RandomBelow, IsAlwaysZeroBelowOne) {
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(random_below({.seed = 7}, i, 1), 0u);
}

TEST(RandomBelow, MeetsEveryValueAboutEquallyOften) {
  constexpr std::uint32_t kValues = 7;
  std::array<double, kValues> counts{};
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const std::uint32_t value = random_below({.seed = 8}, i, kValues);
    ASSERT_LT(value, kValues);
    counts[value] += 1.0;
  }
  // A count is binomial: expectation n / 7, variance n (1/7) (6/7).
  const double n = static_cast<double>(kDraws);
  for (double count : counts) EXPECT_NEAR(count / n, 1.0 / 7.0, kBound * std::sqrt(6.0 / 49.0));
}

// The value is floor(bits * bound / 2^64) of the 64 bits that two words make, the first one the higher.
TEST(RandomBelow, IsTheHighWordOfTheProduct) {
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
  const RandomKey key{.seed = 9};
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::uint32_t first = random_bits(key, 2 * i);
    // bound = 2^31: the product's high word is the top 31 bits; bound = 2^32 - 1: first * (1 - 2^-32) +
    // second / 2^32 (1 - 2^-32), which lies in (first - 1, first + 1) and below 2^32 - 1.
    EXPECT_EQ(random_below(key, i, 1u << 31), first >> 1);
    const std::uint32_t value = random_below(key, i, kMost);
    EXPECT_TRUE(value == first || value + 1 == first) << value << " for " << first;
  }
}

}  // namespace
}  // namespace sterna
