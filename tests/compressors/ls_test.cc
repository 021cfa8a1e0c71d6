#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

std::unique_ptr<Compressor> make(std::size_t n, std::size_t bin_elements) {
  return make_compressor("ls", {.elements = n}, {.bin_fc = bin_elements});
}

// n = 10, bins of 4: {0..3}, {4..7}, {8, 9}.
//   bin 0  G = 1, 2, -3, 0.5   element 2, negative: code 2 * 2 + 1 = 5
//   bin 1  all zero            code 2 * 4 = 8
//   bin 2  G = -1, 6           element 1: code 2
// scale = (3 + 0 + 6) / 3 = 3 = 40400000. Codes of bit_width(8) = 4 bits, lowest first: 0x85, 0x02.
const Values kGradient = {1, 1, -2, 0.5, 0, 0, 0, 0, -1, 2};
const Values kResidue = {0, 1, -1, 0, 0, 0, 0, 0, 0, 4};
const Bytes kGolden = bytes_of({0, 0, 0x40, 0x40, 0x85, 0x02});

TEST(LocalSelection, WritesTheBytesItsGrammarShowsAndKeepsTheDifference) {
  Values residue = kResidue;
  const Sent sent = send(*make(10, 4), kGradient, residue);
  EXPECT_EQ(sent.payload, kGolden);
  EXPECT_EQ(sent.elements, 2u);
  EXPECT_THAT(residue, testing::ElementsAre(1, 2, 0, 0.5, 0, 0, 0, 0, -1, 3));  // -3 + 3, 6 - 3
  EXPECT_THAT(decoded(*make(10, 4), sent, 10), testing::ElementsAre(0, 0, -3, 0, 0, 0, 0, 0, 0, 3));
}

// Maxima 1 and 3: both stand for 2, so that the smaller is sent beyond what it is.
TEST(LocalSelection, SendsTheMeanOfTheMaxima) {
  Values residue(4);
  const auto compressor = make(4, 2);
  EXPECT_THAT(decoded(*compressor, send(*compressor, {1, 0.5, -0.5, -3}, residue), 4),
              testing::ElementsAre(2, 0, 0, -2));
  EXPECT_THAT(residue, testing::ElementsAre(-1, 0.5, -0.5, -1));
}

TEST(LocalSelection, LetsTheSecondOfABinWait) {
  Values residue(2);
  const auto compressor = make(2, 2);
  EXPECT_THAT(decoded(*compressor, send(*compressor, {4, 3}, residue), 2), testing::ElementsAre(4, 0));
  EXPECT_THAT(decoded(*compressor, send(*compressor, {0, 0}, residue), 2), testing::ElementsAre(0, 3));
  EXPECT_THAT(residue, testing::Each(0.0f));
}

TEST(LocalSelection, BreaksTiesByTheLowerIndex) {
  Values gradient(40, -1.0f);  // bins of 20: two vectors of 8 and a rest of 4
  gradient[0] = 0.5f;
  Values residue(40);
  const auto compressor = make(40, 20);
  Values expected(40);
  expected[1] = -1.0f;
  expected[20] = -1.0f;
  EXPECT_EQ(decoded(*compressor, send(*compressor, gradient, residue), 40), expected);
}

TEST(LocalSelection, TakesItsBinFromTheKindOfLayer) {
  const Options options{.bin_conv = 2, .bin_fc = 4};
  const Values gradient = {8, 1, 1, 1};
  Values residue(4);
  const auto convolution = make_compressor("ls", {.elements = 4, .kind = LayerKind::kConvolution}, options);
  EXPECT_EQ(send(*convolution, gradient, residue).elements, 2u);
  residue.assign(4, 0.0f);
  EXPECT_EQ(send(*make_compressor("ls", {.elements = 4}, options), gradient, residue).elements, 1u);
}

// The maxima's sum, 4 * 3e38, is beyond float32; their mean is not.
TEST(LocalSelection, AveragesMaximaWhoseSumOverflows) {
  Values residue(4);
  const auto compressor = make(4, 1);
  EXPECT_THAT(decoded(*compressor, send(*compressor, Values(4, 3e38f), residue), 4), testing::Each(3e38f));
  EXPECT_THAT(residue, testing::Each(0.0f));
}

// One bin of 4 with 2^-149 and three empty ones: the mean 2^-151 rounds to 0, and all of it stays.
TEST(LocalSelection, KeepsEverythingWhenTheScaleUnderflows) {
  Values gradient(16);
  gradient[2] = std::numeric_limits<float>::denorm_min();
  Values residue(16);
  const auto compressor = make(16, 4);
  const Sent sent = send(*compressor, gradient, residue);
  EXPECT_EQ(sent.payload, bytes_of({0, 0, 0, 0, 0x84, 0x88}));
  EXPECT_THAT(decoded(*compressor, sent, 16), testing::Each(0.0f));
  EXPECT_EQ(residue, gradient);
}

TEST(LocalSelection, AddsUpWhatItDecodes) {
  Values out(10, 1.0f);
  make(10, 4)->accumulate(kGolden, out);
  EXPECT_THAT(out, testing::ElementsAre(1, 1, -2, 1, 1, 1, 1, 1, 1, 4));
}

void refuse(const Bytes& payload, std::size_t n = 10) {
  Values out(n);
  EXPECT_THROW(make(n, 4)->accumulate(payload, out), WireError);
}

TEST(LocalSelection, RefusesAPayloadWithoutARoomForItsScale) {
  refuse(bytes_of({0, 0, 0x40}));
}
TEST(LocalSelection, RefusesANegativeScale) {
  refuse(bytes_of({0, 0, 0x40, 0xc0, 0x85, 0x02}));
}
TEST(LocalSelection, RefusesAnInfiniteScale) {
  refuse(bytes_of({0, 0, 0x80, 0x7f, 0x85, 0x02}));
}
TEST(LocalSelection, RefusesAScaleThatIsNotANumber) {
  refuse(bytes_of({0, 0, 0xc0, 0x7f, 0x85, 0x02}));
}
TEST(LocalSelection, RefusesCodesCutShort) {
  refuse(bytes_of({0, 0, 0x40, 0x40, 0x85}));
}
TEST(LocalSelection, RefusesCodesThatAreTooLong) {
  refuse(bytes_of({0, 0, 0x40, 0x40, 0x85, 0x02, 0}));
}
TEST(LocalSelection, RefusesAnIndexBeyondItsBin) {
  refuse(bytes_of({0, 0, 0x40, 0x40, 0x89, 0x02}));
}
TEST(LocalSelection, RefusesAnIndexBeyondAShortLastBin) {
  refuse(bytes_of({0, 0, 0x40, 0x40, 0x85, 0x04}));
}
TEST(LocalSelection, RefusesPaddingThatIsSet) {
  refuse(bytes_of({0, 0, 0x40, 0x40, 0x85, 0x12}));
}
TEST(LocalSelection, RefusesCodesThatSendNothing) {
  refuse(bytes_of({0, 0, 0x40, 0x40, 0x88, 0x08}));
}
TEST(LocalSelection, RefusesAnythingForALayerOfNone) {
  refuse(bytes_of({0, 0, 0x40, 0x40}), 0);
}

}  // namespace
}  // namespace sterna::compressors
