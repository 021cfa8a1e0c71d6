#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

std::unique_ptr<Compressor> make(std::size_t n, std::size_t bin_elements) {
  return make_compressor("adacomp", {.elements = n}, {.bin_fc = bin_elements});
}

// n = 10, bins of 4: {0..3}, {4..7}, {8, 9}.
//   bin 0  G = 1, 2, -1.5, 0.5   max 2   H = 2, 3, -2, 1: the first three are sent
//   bin 1  all zero              max 0   skipped
//   bin 2  G = 4, -0.25          max 4   H = 3, -0.5: nothing is sent, the fresh gradient drains the large
//   element
// scale = (2 + 0 + 4) / 3 = 2 = 40000000, with the sign bit as there is a bitmap: c0000000.
// Codes 0, 1, and 2 + 0x40 (negative) + 0x80 (last). Bitmap 0b001.
const Values kGradient = {1, 1, -0.5, 0.5, 0, 0, 0, 0, -1, -0.25};
const Values kResidue = {0, 1, -1, 0, 0, 0, 0, 0, 5, 0};
const Bytes kGolden = bytes_of({0, 0, 0, 0xc0, 0, 1, 0xc2, 0b001});

TEST(AdaComp, WritesTheBytesItsGrammarShowsAndKeepsTheDifference) {
  Values residue = kResidue;
  const Sent sent = send(*make(10, 4), kGradient, residue);
  EXPECT_EQ(sent.payload, kGolden);
  EXPECT_EQ(sent.elements, 3u);
  // 1 - 2, 2 - 2, -1.5 + 2, and G elsewhere
  EXPECT_THAT(residue, testing::ElementsAre(-1, 0, 0.5, 0.5, 0, 0, 0, 0, 4, -0.25));
  EXPECT_THAT(decoded(*make(10, 4), sent, 10), testing::ElementsAre(2, 2, -2, 0, 0, 0, 0, 0, 0, 0));
}

// Bins of 65: two bytes a code. Bin 0 sends -3 at 64, bin 1 sends 1 at 0; every bin has a code: no bitmap.
// scale = (3 + 1) / 2 = 2. Codes 64 + 0x4000 + 0x8000 = 0xc040, and 0x8000.
TEST(AdaComp, TakesTwoBytesForAnElementOfALongBinAndNoBitmapWhereAllBinsSend) {
  Values gradient(66);
  gradient[64] = -3;
  gradient[65] = 1;
  Values residue(66);
  const Sent sent = send(*make(66, 65), gradient, residue);
  EXPECT_EQ(sent.payload, bytes_of({0, 0, 0, 0x40, 0x40, 0xc0, 0x00, 0x80}));
}

TEST(AdaComp, TakesItsBinFromTheKindOfLayer) {
  const Options options{.bin_conv = 2, .bin_fc = 4};
  Values residue(4);
  const Values gradient = {8, 1, 1, 1};  // bins of 2: 8, and 1 with 1; a bin of 4: only 8
  const auto convolution =
      make_compressor("adacomp", {.elements = 4, .kind = LayerKind::kConvolution}, options);
  EXPECT_EQ(send(*convolution, gradient, residue).elements, 3u);
  residue.assign(4, 0.0f);
  EXPECT_EQ(send(*make_compressor("adacomp", {.elements = 4}, options), gradient, residue).elements, 1u);
}

// G = 0 and H = dW = 1 >= max 1: sent although G is 0, and by the paper's rule as -scale, so that scale is
// kept.
TEST(AdaComp, SendsAZeroSumAsNegative) {
  Values residue = {-1, 0};
  const auto compressor = make(2, 2);
  const Sent sent = send(*compressor, {1, 1}, residue);
  EXPECT_THAT(decoded(*compressor, sent, 2), testing::ElementsAre(-1, 1));
  EXPECT_THAT(residue, testing::ElementsAre(1, 0));
}

// One bin of 4 with a denormal, 2^-149, and three empty ones: the mean 2^-151 rounds to 0, and all of it
// stays.
TEST(AdaComp, KeepsEverythingWhenTheScaleUnderflows) {
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
  Values gradient(16);
  gradient[2] = kSmallest;
  Values residue(16);
  const auto compressor = make(16, 4);
  const Sent sent = send(*compressor, gradient, residue);
  EXPECT_EQ(sent.payload, bytes_of({0, 0, 0, 0x80, 0x82, 0b0001}));
  EXPECT_THAT(decoded(*compressor, sent, 16), testing::Each(0.0f));
  EXPECT_EQ(residue, gradient);
}

// The maxima's sum, 4 * 3e38, is beyond float32; their mean is not.
TEST(AdaComp, AveragesMaximaWhoseSumOverflows) {
  Values residue(4);
  const auto compressor = make(4, 1);
  EXPECT_THAT(decoded(*compressor, send(*compressor, Values(4, 3e38f), residue), 4), testing::Each(3e38f));
  EXPECT_THAT(residue, testing::Each(0.0f));
}

// i.i.d. unit normal gradients, 40 bins. Expected figures: an independent simulation of algorithm 2 gave 4.9
// sent a bin and scale 4.2 in the steady state for L_T = 50, 5.9 and 10.4 for 500. Means over steps 200 to
// 399 of 8000 bins: with about 3 of standard deviation a bin they are sure to 0.1 even if only one in ten is
// independent; 0.2 covers the rounding of the figures too. 3 % for scales.
struct SteadyState {
  double sent_per_bin = 0.0;
  double scale = 0.0;
};

constexpr std::size_t kBins = 40;

SteadyState run_to_steady_state(std::size_t bin_elements) {
  const std::size_t n = kBins * bin_elements;
  const auto compressor = make(n, bin_elements);
  Values residue(n);
  SteadyState state;
  for (std::uint64_t step = 0; step < 400; ++step) {
    const Sent sent = send(*compressor, normal_values(n, step), residue, {.step = step});
    if (step < 200) continue;
    state.sent_per_bin += static_cast<double>(sent.elements) / (200.0 * kBins);
    state.scale += static_cast<double>(std::fabs(load<float>(sent.payload, 0))) / 200.0;
  }
  return state;
}

TEST(AdaComp, SendsAboutFiveElementsOfABinInTheSteadyState) {
  const SteadyState convolution = run_to_steady_state(50);
  EXPECT_NEAR(convolution.sent_per_bin, 4.9, 0.2);
  EXPECT_NEAR(convolution.scale, 4.2, 0.03 * 4.2);
  const SteadyState other = run_to_steady_state(500);
  EXPECT_NEAR(other.sent_per_bin, 5.9, 0.2);
  EXPECT_NEAR(other.scale, 10.4, 0.03 * 10.4);
}

// At the first step H = 2 dW: every element of at least half its bin's maximum is sent. An independent
// simulation of 20000 bins has means 11.02 and 55.07, with standard deviations 4.12 and 18.24: three of them
// over sqrt(40).
TEST(AdaComp, SendsMostAtTheFirstStep) {
  const auto sent_per_bin = [](std::size_t bin_elements) {
    const std::size_t n = kBins * bin_elements;
    Values residue(n);
    return static_cast<double>(send(*make(n, bin_elements), normal_values(n, /*seed=*/1), residue).elements) /
           kBins;
  };
  EXPECT_NEAR(sent_per_bin(50), 11.02, 1.95);
  EXPECT_NEAR(sent_per_bin(500), 55.07, 8.65);
}

void refuse(const Bytes& payload, std::size_t n = 10, std::size_t bin_elements = 4) {
  Values out(n);
  EXPECT_THROW(make(n, bin_elements)->accumulate(payload, out), WireError);
}

TEST(AdaComp, AddsUpWhatItDecodes) {
  Values out(10, 1.0f);
  make(10, 4)->accumulate(kGolden, out);
  EXPECT_THAT(out, testing::ElementsAre(3, 3, -1, 1, 1, 1, 1, 1, 1, 1));
}

TEST(AdaComp, RefusesAPayloadWithoutARoomForItsScale) {
  refuse(bytes_of({0, 0, 0}));
}
TEST(AdaComp, RefusesAnInfiniteScale) {
  refuse(bytes_of({0, 0, 0x80, 0xff, 0, 1, 0xc2, 0b001}));
}
TEST(AdaComp, RefusesAScaleThatIsNotANumber) {
  refuse(bytes_of({0, 0, 0xc0, 0x7f, 0x80, 0x80, 0x80}));
}
TEST(AdaComp, RefusesAPayloadWithoutCodes) {
  refuse(bytes_of({0, 0, 0, 0x40}));
}
TEST(AdaComp, RefusesAPayloadWithoutARoomForItsBitmap) {
  refuse(bytes_of({0, 0, 0, 0xc0}));
}
TEST(AdaComp, RefusesIndicesThatDoNotAscend) {
  refuse(bytes_of({0, 0, 0, 0xc0, 1, 1, 0xc2, 0b001}));
}
TEST(AdaComp, RefusesAnIndexBeyondItsBin) {
  refuse(bytes_of({0, 0, 0, 0xc0, 0, 1, 0xc4, 0b001}));
}
TEST(AdaComp, RefusesAnIndexBeyondAShortLastBin) {
  refuse(bytes_of({0, 0, 0, 0x40, 0x80, 0x80, 0x82}));
}
TEST(AdaComp, RefusesABinWithoutALastCode) {
  refuse(bytes_of({0, 0, 0, 0xc0, 0, 1, 0x42, 0b001}));
}
TEST(AdaComp, RefusesFewerBinsThanItsBitmapHas) {
  refuse(bytes_of({0, 0, 0, 0xc0, 0, 1, 0xc2, 0b011}));
}
TEST(AdaComp, RefusesMoreBinsThanItsBitmapHas) {
  refuse(bytes_of({0, 0, 0, 0xc0, 0, 0x81, 0xc2, 0b001}));
}
TEST(AdaComp, RefusesFewerBinsThanTheLayerHas) {
  refuse(bytes_of({0, 0, 0, 0x40, 0x80, 0x80}));
}
TEST(AdaComp, RefusesMoreBinsThanTheLayerHas) {
  refuse(bytes_of({0, 0, 0, 0x40, 0x80, 0x80, 0x80, 0x80}));
}
TEST(AdaComp, RefusesABitmapWithPaddingSet) {
  refuse(bytes_of({0, 0, 0, 0xc0, 0, 1, 0xc2, 0b1001}));
}
TEST(AdaComp, RefusesABitmapThatSaysNothing) {
  refuse(bytes_of({0, 0, 0, 0xc0, 0x80, 0x80, 0x80, 0b111}));
}
TEST(AdaComp, RefusesHalfACode) {
  refuse(bytes_of({0, 0, 0, 0x40, 0x40, 0xc0, 0x00}), 66, 65);
}
TEST(AdaComp, RefusesAnythingForALayerOfNone) {
  refuse(bytes_of({0, 0, 0, 0x40, 0x80}), 0, 4);
}

}  // namespace
}  // namespace sterna::compressors
