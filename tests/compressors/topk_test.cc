#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

// n = 5, rate 2.5: k = 2, indices of 3 bits. |m + g| = 1, 3, 0, 3, 2: the largest are 1 and 3.
// Fields 1 = 100 and 3 = 110, lowest bit first, from bit 0 up: 0b011001 = 0x19. Then -3 (c0400000) and 3
// (40400000).
const Values kGradient = {1.0f, -1.0f, 0.0f, 3.0f, 2.0f};
const Values kResidue = {0.0f, -2.0f, 0.0f, 0.0f, 0.0f};
const Bytes kGolden = bytes_of({0x19, 0, 0, 0x40, 0xc0, 0, 0, 0x40, 0x40});

std::unique_ptr<Compressor> make(std::size_t n, double rate) {
  return make_compressor("topk", {.elements = n}, {.rate = rate});
}

TEST(TopK, WritesTheBytesItsGrammarShowsAndKeepsTheRest) {
  Values residue = kResidue;
  const Sent sent = send(*make(5, 2.5), kGradient, residue);
  EXPECT_EQ(sent.payload, kGolden);
  EXPECT_EQ(sent.elements, 2u);
  EXPECT_THAT(residue, testing::ElementsAre(1.0f, 0.0f, 0.0f, 0.0f, 2.0f));
}

TEST(TopK, BreaksTiesByTheLowerIndex) {
  Values residue(6);
  const auto compressor = make(6, 2);  // k = 3 of magnitudes 1, 2, 1, 1, 2, 1: both 2s, and the first 1
  const Values out = decoded(*compressor, send(*compressor, {1, -2, -1, 1, 2, 1}, residue), 6);
  EXPECT_THAT(out, testing::ElementsAre(1, -2, 0, 0, 2, 0));
  EXPECT_THAT(residue, testing::ElementsAre(0, 0, -1, 1, 0, 1));
}

TEST(TopK, SendsFewerWhereFewerAreNotZero) {
  Values residue(8);
  const auto compressor = make(8, 2);  // k = 4
  const Sent sent = send(*compressor, {0, 0, -0.0f, 5, 0, 0, 1e-45f, 0}, residue);
  EXPECT_EQ(sent.elements, 2u);
  EXPECT_EQ(sent.payload.size(), 1u + 2u * 4u);  // 2 indices of 3 bits, 2 values
  EXPECT_THAT(decoded(*compressor, sent, 8), testing::ElementsAre(0, 0, 0, 5, 0, 0, 1e-45f, 0));
}

TEST(TopK, SendsAllAtRateOneAndOneAtALayerOfOne) {
  Values residue(3);
  EXPECT_THAT(decoded(*make(3, 1), send(*make(3, 1), {1, 2, 3}, residue), 3), testing::ElementsAre(1, 2, 3));
  Values one(1);
  const Sent sent = send(*make(1, 100), {7}, one);
  EXPECT_EQ(sent.payload, bytes_of({0, 0, 0xe0, 0x40}));  // an index of 0 bits, 7 = 40e00000
}

// The same choice by a full, stable sort.
TEST(TopK, SelectsWhatASortSelects) {
  for (const std::size_t n : {2u, 9u, 1000u, 20011u}) {
    for (const std::uint64_t quantum : {0u, 1u}) {  // 1: many ties
      Values gradient = normal_values(n, /*seed=*/n);
      if (quantum == 1) {
        for (float& value : gradient) value = std::round(2 * value);
      }
      std::vector<std::size_t> order(n);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return std::fabs(gradient[i]); });
      const auto k = (n + 9) / 10;
      Values expected(n);
      for (std::size_t i = 0; i < k; ++i) expected[order[i]] = gradient[order[i]];
      Values residue(n);
      const auto compressor = make(n, 10);
      EXPECT_EQ(decoded(*compressor, send(*compressor, gradient, residue), n), expected) << n;
    }
  }
}

void refuse(const Bytes& payload) {
  Values out(5);
  EXPECT_THROW(make(5, 2.5)->accumulate(payload, out), WireError);
}

TEST(TopK, AddsUpWhatItDecodes) {
  Values out = {1, 1, 1, 1, 1};
  make(5, 2.5)->accumulate(kGolden, out);
  EXPECT_THAT(out, testing::ElementsAre(1, -2, 1, 4, 1));
}

TEST(TopK, RefusesALengthThatNoCountHas) {
  refuse(Bytes(kGolden.begin(), kGolden.end() - 1));
  refuse(Bytes(14));  // three elements: k is 2
}

TEST(TopK, RefusesIndicesThatDoNotAscend) {
  Bytes payload = kGolden;
  payload[0] = std::byte{0x09};  // 1 and 1
  refuse(payload);
}

TEST(TopK, RefusesAnIndexBeyondTheLayer) {
  Bytes payload = kGolden;
  payload[0] = std::byte{0x29};  // 1 and 5
  refuse(payload);
}

TEST(TopK, RefusesPaddingThatIsSet) {
  Bytes payload = kGolden;
  payload[0] = std::byte{0x59};
  refuse(payload);
}

}  // namespace
}  // namespace sterna::compressors
