#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

// n = 8, rate 2: G = 1, -1, 4, 0, 2, -5, -3, 3. Of 4 positive elements 2 are sent, 4 and 3: 3.5 = 40600000;
// of 3 negative ones ceil(1.5) = 2, -5 and -3: 4 = 40800000. Codes of 3 bits of index and a sign: 2, 5 + 8, 6
// + 8, 7.
const Values kGradient = {1, -1, 3, 0, 2, -3, -3, 3};
const Values kResidue = {0, 0, 1, 0, 0, -2, 0, 0};
const Bytes kGolden = bytes_of({0, 0, 0x60, 0x40, 0, 0, 0x80, 0x40, 4, 0, 0, 0, 0xd2, 0x7e});

std::unique_ptr<Compressor> make(std::size_t n, double rate) {
  return make_compressor("dryden", {.elements = n}, {.rate = rate});
}

TEST(Dryden, WritesTheBytesItsGrammarShowsAndKeepsTheDifference) {
  Values residue = kResidue;
  const Sent sent = send(*make(8, 2), kGradient, residue);
  EXPECT_EQ(sent.payload, kGolden);
  EXPECT_EQ(sent.elements, 4u);
  EXPECT_THAT(residue,
              testing::ElementsAre(1, -1, 0.5, 0, 2, -1, 1, -0.5));  // 4 - 3.5, -5 + 4, -3 + 4, 3 - 3.5
  EXPECT_THAT(decoded(*make(8, 2), sent, 8), testing::ElementsAre(0, 0, 3.5, 0, 0, -4, -4, 3.5));
}

TEST(Dryden, SendsOneOfEachSignAtLeast) {
  Values residue(3);
  const auto compressor = make(3, 100);
  EXPECT_THAT(decoded(*compressor, send(*compressor, {3, -2, 1}, residue), 3),
              testing::ElementsAre(3, -2, 0));
  EXPECT_THAT(residue, testing::ElementsAre(0, 0, 1));
}

// Index 1 in 2 bits, positive: 1.
TEST(Dryden, WritesAMeanOfZeroForASignThatNoElementHas) {
  Values residue(3);
  const Sent sent = send(*make(3, 1), {-0.0f, 1, 0}, residue);
  EXPECT_EQ(sent.payload, bytes_of({0, 0, 0x80, 0x3f, 0, 0, 0, 0, 1, 0, 0, 0, 1}));
}

TEST(Dryden, BreaksTiesByTheLowerIndex) {
  Values residue(9);
  const auto compressor = make(9, 3);  // of 6 ones 2, of 3 minus twos 1
  const Values out = decoded(*compressor, send(*compressor, {1, -2, 1, 1, -2, 1, -2, 1, 1}, residue), 9);
  EXPECT_THAT(out, testing::ElementsAre(1, -2, 1, 0, 0, 0, 0, 0, 0));
}

TEST(Dryden, SendsTheSmallestNumbersThereAre) {
  Values residue(3);
  const auto compressor = make(3, 1);
  EXPECT_THAT(decoded(*compressor, send(*compressor, {1e-45f, 0, -1e-45f}, residue), 3),
              testing::ElementsAre(1e-45f, 0, -1e-45f));
  EXPECT_THAT(residue, testing::Each(0.0f));
}

// The same choice by a full, stable sort of each sign.
Values by_sorting(const Values& gradient, std::size_t rate) {
  Values expected(gradient.size());
  for (const float sign : {1.0f, -1.0f}) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      if (sign * gradient[i] > 0.0f) order.push_back(i);
    }
    std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return std::fabs(gradient[i]); });
    order.resize((order.size() + rate - 1) / rate);
    std::ranges::sort(order);
    double sum = 0.0;
    for (const std::size_t i : order) sum += std::fabs(static_cast<double>(gradient[i]));
    for (const std::size_t i : order) {
      expected[i] = sign * static_cast<float>(sum / static_cast<double>(order.size()));
    }
  }
  return expected;
}

TEST(Dryden, SelectsWhatASortSelects) {
  for (const std::size_t n : {2u, 9u, 1000u, 1024u, 20011u}) {
    for (const std::uint64_t quantum : {0u, 1u}) {  // 1: many ties
      Values gradient = normal_values(n, /*seed=*/n);
      if (quantum == 1) {
        for (float& value : gradient) value = std::round(2 * value);
      }
      Values residue(n);
      const auto compressor = make(n, 10);
      EXPECT_EQ(decoded(*compressor, send(*compressor, gradient, residue), n), by_sorting(gradient, 10)) << n;
    }
  }
}

TEST(Dryden, AddsUpWhatItDecodes) {
  Values out(8, 1.0f);
  make(8, 2)->accumulate(kGolden, out);
  EXPECT_THAT(out, testing::ElementsAre(1, 1, 4.5, 1, 1, -3, -3, 4.5));
}

void refuse(const Bytes& payload, std::size_t n = 8) {
  Values out(n);
  EXPECT_THROW(make(n, 2)->accumulate(payload, out), WireError);
}

// The golden bytes with other ones from `at` on.
Bytes changed(std::size_t at, std::initializer_list<int> numbers) {
  Bytes bytes = kGolden;
  std::ranges::copy(bytes_of(numbers), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return bytes;
}

TEST(Dryden, RefusesAPayloadWithoutARoomForItsMeans) {
  refuse(Bytes(kGolden.begin(), kGolden.begin() + 7));
}
TEST(Dryden, RefusesAPayloadWithoutSigns) {
  refuse(Bytes(kGolden.begin(), kGolden.begin() + 8));
}
TEST(Dryden, RefusesAMeanOfZeroOfASignThatIsThere) {
  refuse(changed(0, {0, 0, 0, 0}));
  refuse(changed(4, {0, 0, 0, 0}));
}
TEST(Dryden, RefusesANegativeMean) {
  refuse(changed(4, {0, 0, 0x80, 0xc0}));
}
TEST(Dryden, RefusesAnInfiniteMean) {
  refuse(changed(0, {0, 0, 0x80, 0x7f}));
}
TEST(Dryden, RefusesAMeanThatIsNotANumber) {
  refuse(changed(0, {0, 0, 0xc0, 0x7f}));
}
TEST(Dryden, RefusesAMeanOfASignThatIsNotThere) {
  refuse(changed(12, {0x52, 0x76}));  // 2, 5, 6, 7, all positive
}
TEST(Dryden, RefusesIndicesThatDoNotAscend) {
  refuse(changed(12, {0xa2, 0x7e}));  // 2, -2
}
TEST(Dryden, RefusesSignsCutShort) {
  refuse(Bytes(kGolden.begin(), kGolden.end() - 1));
}
TEST(Dryden, RefusesAnythingForALayerOfNone) {
  refuse(kGolden, 0);
}

}  // namespace
}  // namespace sterna::compressors
