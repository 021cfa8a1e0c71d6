// float16 and bfloat16: every bit pattern, every border between two neighbours, and the bulk loops.
#include "runtime/numerics/value_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "runtime/numerics/float16_kernels.h"

namespace sterna::numerics {
namespace {

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

// The value that a pattern stands for, from the definition of the formats: (-1)^s * 2^(e - bias) * (1 + f /
// 2^width), without the 1 and with the exponent of e = 1 where e = 0.
double value_by_definition(std::uint16_t bits, int fraction_bits, int bias) {
  const int exponent_bits = 15 - fraction_bits;
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int significand = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
  const double magnitude = std::ldexp(significand, std::max(exponent, 1) - bias - fraction_bits);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

struct Format {
  std::string name;
  int fraction_bits;
  int bias;
  std::uint16_t infinity;  // positive; patterns above it are NaN
  std::uint16_t (*narrow)(float);
  float (*widen)(std::uint16_t);
};

class SixteenBitFormat : public testing::TestWithParam<Format> {};

TEST_P(SixteenBitFormat, WidensEveryPatternToTheValueOfItsDefinition) {
  const Format& format = GetParam();
  for (std::uint32_t pattern = 0; pattern <= 0xffff; ++pattern) {
    const auto bits = static_cast<std::uint16_t>(pattern);
    const float value = format.widen(bits);
    EXPECT_EQ(std::signbit(value), (bits & 0x8000) != 0) << pattern;
    const int magnitude = bits & 0x7fff;
    if (magnitude > format.infinity) {
      EXPECT_TRUE(std::isnan(value)) << pattern;
    } else if (magnitude == format.infinity) {
      EXPECT_TRUE(std::isinf(value)) << pattern;
    } else {
      EXPECT_EQ(static_cast<double>(value), value_by_definition(bits, format.fraction_bits, format.bias))
          << pattern;
    }
  }
}

TEST_P(SixteenBitFormat, GivesEveryPatternBackAndQuietsNaN) {
  const Format& format = GetParam();
  const int quiet_bit = 1 << (format.fraction_bits - 1);
  for (std::uint32_t pattern = 0; pattern <= 0xffff; ++pattern) {
    const auto bits = static_cast<std::uint16_t>(pattern);
    const bool is_nan = (bits & 0x7fff) > format.infinity;
    EXPECT_EQ(format.narrow(format.widen(bits)), is_nan ? bits | quiet_bit : bits) << pattern;
  }
}

// Between neighbours a < b (both exact in float32) the middle is exact in float32 too: it has one fraction
// bit more. It goes to the one whose last bit is 0; one float32 further to either side goes to that side's
// neighbour.
TEST_P(SixteenBitFormat, RoundsToNearestAndTiesToEvenAtEveryBorder) {
  const Format& format = GetParam();
  for (std::uint16_t low = 0; low + 1 < format.infinity; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const auto middle = static_cast<float>(
        (static_cast<double>(format.widen(low)) + static_cast<double>(format.widen(high))) / 2.0);
    for (const float sign : {1.0f, -1.0f}) {
      const int sign_bit = sign < 0 ? 0x8000 : 0;
      EXPECT_EQ(format.narrow(sign * middle), ((low & 1) == 0 ? low : high) | sign_bit) << low;
      EXPECT_EQ(format.narrow(sign * std::nextafterf(middle, 0.0f)), low | sign_bit) << low;
      EXPECT_EQ(format.narrow(sign * std::nextafterf(middle, INFINITY)), high | sign_bit) << low;
    }
  }
}

// The border to infinity lies half a unit above the largest finite value, as if the exponent went on.
TEST_P(SixteenBitFormat, OverflowsToInfinityFromHalfAUnitAboveTheLargest) {
  const Format& format = GetParam();
  const auto largest = static_cast<std::uint16_t>(format.infinity - 1);
  const auto below = static_cast<std::uint16_t>(largest - 1);
  const double unit = static_cast<double>(format.widen(largest)) - static_cast<double>(format.widen(below));
  const auto border = static_cast<float>(static_cast<double>(format.widen(largest)) + unit / 2);
  EXPECT_EQ(format.narrow(border), format.infinity);
  EXPECT_EQ(format.narrow(std::nextafterf(border, 0.0f)), largest);
  EXPECT_EQ(format.narrow(-border), format.infinity | 0x8000);
  EXPECT_EQ(format.narrow(std::numeric_limits<float>::max()), format.infinity);
  EXPECT_EQ(format.narrow(INFINITY), format.infinity);
}

TEST_P(SixteenBitFormat, KeepsTheSignOfZeroAndRoundsTheSmallestFloatToZero) {
  const Format& format = GetParam();
  EXPECT_EQ(format.narrow(0.0f), 0);
  EXPECT_EQ(format.narrow(-0.0f), 0x8000);
  EXPECT_EQ(format.narrow(-std::numeric_limits<float>::denorm_min()), 0x8000);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, SixteenBitFormat,
    testing::Values(Format{"float16", 10, 15, 0x7c00, float16_from_float32, float32_from_float16},
                    Format{"bfloat16", 7, 127, 0x7f80, bfloat16_from_float32, float32_from_bfloat16}),
    [](const auto& test) { return test.param.name; });

// Any float32 pattern, NaNs and infinities among them: one in 16 has the highest exponent.
std::vector<float> random_patterns(std::size_t n, std::uint64_t seed) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t bits = random_bits({.seed = seed}, i);
    if (i % 16 == 0) bits |= 0x7f800000;
    values[i] = std::bit_cast<float>(bits);
  }
  return values;
}

TEST(Float16Kernels, AllGiveTheBitsOfTheScalarConversionAndStayWithinTheirLength) {
  constexpr auto kGuard = std::byte{0xa5};
  for (const Float16Kernels& kernels : supported_float16_kernels()) {
    for (const std::size_t n : {0u, 1u, 7u, 8u, 9u, 63u, 64u, 65u, 100003u}) {
      SCOPED_TRACE(testing::Message() << kernels.name << ", n = " << n);
      const std::vector<float> values = random_patterns(n, /*seed=*/n);
      std::vector<std::byte> bytes(2 * n + 16, kGuard);
      kernels.pack(values.data(), n, bytes.data());
      for (std::size_t i = 0; i < n; ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes.data() + 2 * i, sizeof bits);
        ASSERT_EQ(bits, float16_from_float32(values[i])) << i;
      }
      EXPECT_THAT(std::vector(bytes.end() - 16, bytes.end()), testing::Each(kGuard));
    }
  }
}

TEST(Float16Kernels, AllUnpackEveryPatternToTheBitsOfTheScalarConversion) {
  std::vector<std::uint16_t> patterns(0x10000);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
  for (const Float16Kernels& kernels : supported_float16_kernels()) {
    std::vector<float> values(patterns.size() - 1);  // one short of a multiple of 8
    kernels.unpack(std::as_bytes(std::span(patterns)).data(), values.size(), values.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(bits_of(values[i]), bits_of(float32_from_float16(patterns[i]))) << kernels.name << " " << i;
    }
  }
}

// 1 is 3f800000, 3c00 and 3f80; -2 is c0000000, c000 and c000.
TEST(PackValues, WritesLittleEndianPatternsOneAfterTheOther) {
  const std::vector<float> values = {1.0f, -2.0f};
  const auto packed = [&](ValueFormat format) {
    std::vector<std::byte> bytes(values.size() * bytes_per_value(format));
    pack_values(values, format, bytes);
    std::vector<int> numbers;
    for (const std::byte byte : bytes) numbers.push_back(std::to_integer<int>(byte));
    return numbers;
  };
  EXPECT_THAT(packed(ValueFormat::kFloat32), testing::ElementsAre(0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0));
  EXPECT_THAT(packed(ValueFormat::kFloat16), testing::ElementsAre(0, 0x3c, 0, 0xc0));
  EXPECT_THAT(packed(ValueFormat::kBfloat16), testing::ElementsAre(0x80, 0x3f, 0, 0xc0));
}

TEST(PackValues, UnpackIsItsReverseAtAnyLength) {
  for (const ValueFormat format : {ValueFormat::kFloat32, ValueFormat::kFloat16, ValueFormat::kBfloat16}) {
    for (const std::size_t n : {0u, 1u, 7u, 8u, 9u, 1000u}) {
      std::vector<float> values(n);  // small integers are exact in every format
      for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i % 256) - 128.0f;
      std::vector<std::byte> bytes(n * bytes_per_value(format));
      pack_values(values, format, bytes);
      std::vector<float> back(n);
      unpack_values(bytes, format, back);
      EXPECT_EQ(back, values);
    }
  }
}

TEST(PackValues, ChecksThatTheBytesAreAsLongAsTheValues) {
  const std::vector<float> values(3);
  std::vector<std::byte> bytes(7);
  EXPECT_THROW(pack_values(values, ValueFormat::kFloat16, bytes), InternalError);
  std::vector<float> out(4);
  EXPECT_THROW(unpack_values(bytes, ValueFormat::kBfloat16, out), InternalError);
}

}  // namespace
}  // namespace sterna::numerics
