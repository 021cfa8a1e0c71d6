#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

// n = 5, R = 2: chunks {0, 1}, {2, 3}, {4}; m + g = 1, -3 | 0, 0 | 2.
const Values kGradient = {1.0f, -1.0f, 0.0f, 0.0f, 2.0f};
const Values kResidue = {0.0f, -2.0f, 0.0f, 0.0f, 0.0f};

// Fields of bit_width(2) = 2 bits: offset 1, none = 2, offset 0: 0b00'10'01. Values -3 = c0400000 and 2 =
// 40000000.
const Bytes kIndices = bytes_of({0x09});
const Bytes kPayload = bytes_of({0, 0, 0x40, 0xc0, 0, 0, 0, 0x40});

std::unique_ptr<Compressor> make(std::size_t n, const Options& options) {
  return make_compressor("scalecom", {.elements = n}, options);
}

TEST(ScaleCom, WritesTheBytesItsGrammarShows) {
  Values residue = kResidue;
  const Sent sent = send(*make(5, {.rate = 2}), kGradient, residue);
  EXPECT_EQ(sent.indices, kIndices);
  EXPECT_EQ(sent.payload, kPayload);
  EXPECT_EQ(sent.elements, 2u);
  EXPECT_THAT(residue, testing::ElementsAre(1.0f, 0.0f, 0.0f, 0.0f, 0.0f));
}

// beta 0.5: not sent, 0 + 0.5 * 1; sent, -2 - 0.5 * -2 and 0 - 0.5 * 0.
TEST(ScaleCom, FiltersTheResidueByBeta) {
  Values residue = kResidue;
  const Sent sent = send(*make(5, {.rate = 2, .beta = 0.5f}), kGradient, residue);
  EXPECT_EQ(sent.payload, kPayload);
  EXPECT_THAT(residue, testing::ElementsAre(0.5f, -1.0f, 0.0f, 0.0f, 0.0f));
}

// k = ceil(5 / 2) = 3: 1, -3 and 2 at 0, 1, 4, in fields of 3 bits: 0 + (1 << 3) + (4 << 6) = 0x108.
TEST(ScaleCom, WritesACountAndAscendingIndicesWhenExact) {
  Values residue = kResidue;
  const Sent sent = send(*make(5, {.rate = 2, .selection = Selection::kExact}), kGradient, residue);
  EXPECT_EQ(sent.indices, bytes_of({3, 0, 0, 0, 0x08, 0x01}));
  EXPECT_EQ(sent.payload, bytes_of({0, 0, 0x80, 0x3f, 0, 0, 0x40, 0xc0, 0, 0, 0, 0x40}));
  EXPECT_THAT(residue, testing::Each(0.0f));
}

TEST(ScaleCom, BreaksTiesByTheLowerIndex) {
  Values gradient(40, -1.0f);  // chunks of 20: two vectors of 8 and a rest of 4
  gradient[0] = 0.5f;
  Values residue(40);
  const auto compressor = make(40, {.rate = 20});
  Values expected(40);
  expected[1] = -1.0f;
  expected[20] = -1.0f;
  EXPECT_EQ(decoded(*compressor, send(*compressor, gradient, residue), 40), expected);
}

TEST(ScaleCom, RoundsTheRateToAWholeChunk) {
  Values residue(12);
  EXPECT_EQ(send(*make(12, {.rate = 2.4}), Values(12, 1.0f), residue).elements, 6u);  // R = 2
  EXPECT_EQ(send(*make(12, {.rate = 2.5}), Values(12, 1.0f), residue).elements, 4u);  // R = 3
}

TEST(ScaleCom, SendsAFollowersValuesAtTheLeadersIndicesEvenIfTheyAreZero) {
  const auto compressor = make(5, {.rate = 2, .beta = 0.5f});
  Values residue = {0, 0, 0, 4, 8};
  const Sent sent = follow(*compressor, {6, 0, 2, 0, -4}, residue, kIndices);
  EXPECT_EQ(sent.payload, bytes_of({0, 0, 0, 0, 0, 0, 0x80, 0x40}));  // 0, and 8 - 4 = 4 = 40800000
  EXPECT_THAT(residue, testing::ElementsAre(3, 0, 1, 4, 4));
}

// The mean of the learners' decoded gradients is the decoded mean of their values: the indices are shared.
TEST(ScaleCom, CommutesWithTheMeanOverLearners) {
  constexpr std::size_t kElements = 1000;
  const auto compressor = make(kElements, {.rate = 30});
  Values leaders(kElements);
  const Sent lead = send(*compressor, normal_values(kElements, /*seed=*/0), leaders);
  const std::size_t sent = compressor->payload_values(lead.indices);
  EXPECT_EQ(sent, 34u);  // ceil(1000 / 30)
  Values mean_of_values(sent);
  Values mean_of_decoded(kElements);
  for (std::uint64_t learner = 1; learner <= 4; ++learner) {
    Values residue(kElements);
    const Sent own = follow(*compressor, normal_values(kElements, learner), residue, lead.indices);
    Values values(sent);
    numerics::unpack_values(own.payload, compressor->value_format(), values);
    for (std::size_t i = 0; i < sent; ++i) mean_of_values[i] += values[i] / 4;
    const Values out = decoded(*compressor, own, kElements);
    for (std::size_t i = 0; i < kElements; ++i) mean_of_decoded[i] += out[i] / 4;
  }
  Values scattered(kElements);
  compressor->scatter(lead.indices, mean_of_values, scattered);
  EXPECT_EQ(scattered, mean_of_decoded);
}

TEST(ScaleCom, EqualsLocalTopKForASingleLearner) {
  constexpr std::size_t kElements = 1003;
  const auto scalecom = make(kElements, {.rate = 20, .selection = Selection::kExact});
  const auto topk = make_compressor("topk", {.elements = kElements}, {.rate = 20});
  Values scalecom_residue(kElements);
  Values topk_residue(kElements);
  for (std::uint64_t step = 0; step < 5; ++step) {
    const Values gradient = normal_values(kElements, step);
    EXPECT_EQ(decoded(*scalecom, send(*scalecom, gradient, scalecom_residue), kElements),
              decoded(*topk, send(*topk, gradient, topk_residue), kElements));
    EXPECT_EQ(scalecom_residue, topk_residue);
  }
}

// Summed over steps, m' = m + beta (g - ghat) gives sum ghat = sum g - (m_T - m_0) / beta, for the leader and
// for a follower. What rounding may add: half an ulp of each of the two products and sums that m' goes
// through, over beta, and of ghat itself: u ((|beta g or beta m| + |m'|) / beta + |ghat|) a step, with u =
// 2^-24, and |beta m| <= |m|.
struct Ledger {
  Values residue;
  std::vector<double> gradients, sent, tolerance;

  explicit Ledger(std::size_t n) : residue(n), gradients(n), sent(n), tolerance(n) {}

  void book(const Values& gradient, const Values& before, const Values& out, double beta) {
    for (std::size_t i = 0; i < residue.size(); ++i) {
      gradients[i] += static_cast<double>(gradient[i]);
      sent[i] += static_cast<double>(out[i]);
      const double memory =
          std::fabs(static_cast<double>(before[i])) + std::fabs(static_cast<double>(residue[i]));
      tolerance[i] += 0x1p-24 * (std::fabs(static_cast<double>(gradient[i])) + memory / beta +
                                 std::fabs(static_cast<double>(out[i])));
    }
  }
  void check(double beta) const {
    for (std::size_t i = 0; i < residue.size(); ++i) {
      ASSERT_NEAR(sent[i], gradients[i] - static_cast<double>(residue[i]) / beta, tolerance[i]) << i;
    }
  }
};

TEST(ScaleCom, LosesNothingWithALowPassFilter) {
  constexpr std::size_t kElements = 500;
  for (const Selection selection : {Selection::kChunk, Selection::kExact}) {
    constexpr float kBeta = 0.1f;
    const auto compressor = make(kElements, {.rate = 9, .selection = selection, .beta = kBeta});
    Ledger leader(kElements);
    Ledger follower(kElements);
    for (std::uint64_t step = 0; step < 200; ++step) {
      const Values gradient = normal_values(kElements, 2 * step);
      Values before = leader.residue;
      const Sent lead = send(*compressor, gradient, leader.residue);
      leader.book(gradient, before, decoded(*compressor, lead, kElements), kBeta);
      const Values other = normal_values(kElements, 2 * step + 1);
      before = follower.residue;
      const Sent own = follow(*compressor, other, follower.residue, lead.indices);
      follower.book(other, before, decoded(*compressor, own, kElements), kBeta);
    }
    leader.check(kBeta);
    follower.check(kBeta);
  }
}

// With the leader's own gradient and residue, a follower does what the leader did, filter or not.
TEST(ScaleCom, FollowsBitForBitWithALowPassFilter) {
  constexpr std::size_t kElements = 1003;
  for (const Selection selection : {Selection::kChunk, Selection::kExact}) {
    const auto compressor = make(kElements, {.rate = 9, .selection = selection, .beta = 0.3f});
    Values leaders(kElements);
    Values followers(kElements);
    for (std::uint64_t step = 0; step < 20; ++step) {
      const Values gradient = normal_values(kElements, step);
      const Sent lead = send(*compressor, gradient, leaders);
      EXPECT_EQ(follow(*compressor, gradient, followers, lead.indices).payload, lead.payload);
      EXPECT_EQ(followers, leaders);
    }
  }
}

TEST(ScaleCom, OwesMoreThanItsFilteredResidue) {
  EXPECT_EQ(make(5, {.beta = 0.25f})->owed_per_residue(), 4.0f);
  EXPECT_EQ(make(5, {})->owed_per_residue(), 1.0f);
}

void refuse(const Options& options, const Bytes& indices) {
  const auto compressor = make(5, options);
  EXPECT_THROW(static_cast<void>(compressor->payload_values(indices)), WireError);
  Values residue = kResidue;
  EXPECT_THROW(follow(*compressor, kGradient, residue, indices), WireError);
  EXPECT_EQ(residue, kResidue);
}

TEST(ScaleCom, RefusesAnOffsetAboveR) {
  refuse({.rate = 2}, bytes_of({0x0b}));
}  // 3, 2, 0
TEST(ScaleCom, RefusesAnOffsetBeyondAShortChunk) {
  refuse({.rate = 2}, bytes_of({0x19}));
}  // 1, 2, 1
TEST(ScaleCom, RefusesPaddingThatIsSet) {
  refuse({.rate = 2}, bytes_of({0x49}));
}
TEST(ScaleCom, RefusesIndicesCutShort) {
  refuse({.rate = 2}, {});
}
TEST(ScaleCom, RefusesIndicesThatAreTooLong) {
  refuse({.rate = 2}, bytes_of({0x09, 0}));
}

constexpr Options kExact{.rate = 2, .selection = Selection::kExact};
TEST(ScaleCom, RefusesExactIndicesWithoutACount) {
  refuse(kExact, bytes_of({3, 0, 0}));
}
TEST(ScaleCom, RefusesMoreExactIndicesThanK) {
  refuse(kExact, bytes_of({4, 0, 0, 0, 0x88, 0x06}));
}  // 0, 1, 2, 3
TEST(ScaleCom, RefusesExactIndicesThatDoNotAscend) {
  refuse(kExact, bytes_of({2, 0, 0, 0, 0x09}));
}  // 1, 1
TEST(ScaleCom, RefusesAnExactIndexBeyondTheLayer) {
  refuse(kExact, bytes_of({1, 0, 0, 0, 0x05}));
}
TEST(ScaleCom, RefusesExactIndicesCutShort) {
  refuse(kExact, bytes_of({3, 0, 0, 0, 0x08}));
}

TEST(ScaleCom, ChecksThatScatterGetsAsManyValuesAsIndices) {
  Values out(5);
  EXPECT_THROW(make(5, {.rate = 2})->scatter(kIndices, Values(3), out), InternalError);
}

}  // namespace
}  // namespace sterna::compressors
