#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

// n = 6, rate 2: k = 3. At 1, 3, 4 G is 3 = 40400000, 0 and 5 = 40a00000.
const Values kGradient = {1, 2, 3, 4, 5, 6};
const Values kResidue = {0, 1, 0, -4, 0, 0};
const Bytes kIndices = bytes_of({1, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0});
const Bytes kPayload = bytes_of({0, 0, 0x40, 0x40, 0, 0, 0, 0, 0, 0, 0xa0, 0x40});

std::unique_ptr<Compressor> make(std::size_t n, double rate, std::uint64_t seed = 1) {
  return make_compressor("randomk", {.elements = n}, {.rate = rate, .seed = seed});
}

std::set<std::uint32_t> drawn(const Compressor& compressor, const StepKey& key) {
  Bytes indices(compressor.max_index_bytes());
  EXPECT_EQ(compressor.write_shared_indices(key, indices), indices.size());
  std::set<std::uint32_t> elements;
  for (std::size_t at = 0; at < indices.size(); at += 4) elements.insert(load<std::uint32_t>(indices, at));
  EXPECT_EQ(elements.size() * 4, indices.size()) << "an element twice";
  EXPECT_EQ(compressor.payload_values(indices), elements.size());  // ascending, within the layer
  return elements;
}

TEST(RandomK, WritesTheBytesItsGrammarShowsAndKeepsTheRest) {
  Values residue = kResidue;
  const Sent sent = follow(*make(6, 2), kGradient, residue, kIndices);
  EXPECT_EQ(sent.payload, kPayload);
  EXPECT_EQ(sent.elements, 3u);
  EXPECT_THAT(residue, testing::ElementsAre(1, 0, 3, 0, 0, 6));
  EXPECT_THAT(decoded(*make(6, 2), sent, 6), testing::ElementsAre(0, 3, 0, 0, 5, 0));
}

TEST(RandomK, SendsAllAtRateOne) {
  Values residue(3);
  const auto compressor = make(3, 1);
  EXPECT_THAT(decoded(*compressor, send(*compressor, {1, 2, 3}, residue), 3), testing::ElementsAre(1, 2, 3));
}

// Floyd's algorithm a second time, with a set, on the numbers that the head of randomk.cc names.
TEST(RandomK, DrawsByFloydsAlgorithm) {
  for (const std::size_t n : {1u, 63u, 64u, 65u, 1000u}) {
    const std::size_t k = (n + 2) / 3;
    const RandomKey key{.seed = 7, .use = RandomUse::kSelection, .step = 11, .layer = 5};
    std::set<std::uint32_t> expected;
    for (std::size_t j = n - k; j < n; ++j) {
      const auto last = static_cast<std::uint32_t>(j);
      const std::uint32_t element = random_below(key, j, last + 1);
      expected.insert(expected.contains(element) ? last : element);
    }
    EXPECT_EQ(drawn(*make(n, 3, /*seed=*/7), {.step = 11, .layer = 5}), expected) << n;
  }
}

TEST(RandomK, DrawsAnewForEachStepLayerAndSeedAndAlikeForEachLearner) {
  const auto compressor = make(1000, 10);
  const auto first = drawn(*compressor, {.step = 3, .learner = 0, .layer = 2});
  EXPECT_EQ(first, drawn(*compressor, {.step = 3, .learner = 9, .layer = 2}));
  EXPECT_NE(first, drawn(*compressor, {.step = 4, .learner = 0, .layer = 2}));
  EXPECT_NE(first, drawn(*compressor, {.step = 3, .learner = 0, .layer = 1}));
  EXPECT_NE(first, drawn(*make(1000, 10, /*seed=*/2), {.step = 3, .learner = 0, .layer = 2}));
}

// 2 of 5 elements: 10 pairs, each expected 2000 times of 20000. The sum of squared differences over 2000 is
// chi-squared with 9 degrees of freedom, and above 27.9 in one case of 1000.
TEST(RandomK, DrawsAnyElementsAsOftenAsAnyOthers) {
  const auto compressor = make(5, 2.5);
  std::map<std::set<std::uint32_t>, int> times;
  for (std::uint64_t step = 0; step < 20000; ++step) ++times[drawn(*compressor, {.step = step})];
  ASSERT_EQ(times.size(), 10u);
  double chi_squared = 0.0;
  for (const auto& [pair, count] : times) chi_squared += (count - 2000.0) * (count - 2000.0) / 2000.0;
  EXPECT_LT(chi_squared, 27.9);
}

// The mean of the learners' decoded gradients is the decoded mean of their values: the indices are shared.
TEST(RandomK, ScattersTheMeanOfTheValues) {
  const auto compressor = make(6, 2);
  Values out(6, -77.0f);
  compressor->scatter(kIndices, Values{1.5f, -2.0f, 0.25f}, out);
  EXPECT_THAT(out, testing::ElementsAre(0, 1.5f, 0, -2.0f, 0.25f, 0));
  EXPECT_THROW(compressor->scatter(kIndices, Values(2), out), InternalError);
}

void refuse(const Bytes& indices) {
  const auto compressor = make(6, 2);
  EXPECT_THROW(static_cast<void>(compressor->payload_values(indices)), WireError);
  Values residue = kResidue;
  EXPECT_THROW(follow(*compressor, kGradient, residue, indices), WireError);
  EXPECT_EQ(residue, kResidue);
}

TEST(RandomK, RefusesIndicesCutShort) {
  refuse({});
  refuse(Bytes(kIndices.begin(), kIndices.end() - 4));
}
TEST(RandomK, RefusesMoreIndicesThanK) {
  refuse(bytes_of({1, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0}));
}
TEST(RandomK, RefusesIndicesThatDoNotAscend) {
  refuse(bytes_of({1, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0}));
}
TEST(RandomK, RefusesAnIndexBeyondTheLayer) {
  refuse(bytes_of({1, 0, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0}));
}

}  // namespace
}  // namespace sterna::compressors
