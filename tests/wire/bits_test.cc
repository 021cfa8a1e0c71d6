#include "runtime/wire/bits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "runtime/core/rng.h"

namespace sterna::wire {
namespace {

constexpr auto kGuard = std::byte{0xa5};

std::uint32_t field_of(std::size_t index, unsigned bits) {
  return static_cast<std::uint32_t>(random_bits({.seed = bits}, index) & ((std::uint64_t{1} << bits) - 1));
}

// 5 = 101, 0 = 0, 2 = 10 and 9 = 1001, each lowest bit first, from bit 0 up: 101 | 0 | 01 | 10'01
// Byte 0, bits 0..7: 1 0 1 0 0 1 1 0 = 0x65. Byte 1, bits 8..9: 0 1, then padding = 0x02.
TEST(BitWriter, FillsBytesFromTheLowestBit) {
  std::vector<std::byte> bytes(2);
  BitWriter writer(bytes);
  writer.append(5, 3);
  writer.append(0, 1);
  writer.append(2, 2);
  writer.append(9, 4);
  EXPECT_EQ(writer.finish(), 2u);
  EXPECT_THAT(bytes, testing::ElementsAre(std::byte{0x65}, std::byte{0x02}));
}

TEST(BitWriter, ChecksThatAFieldFitsItsBitsAndTheSpanHoldsAll) {
  std::vector<std::byte> bytes(5);
  BitWriter writer(bytes);
  EXPECT_THROW(writer.append(8, 3), InternalError);
  EXPECT_THROW(writer.append(1, 0), InternalError);
  writer.append(0xffffffff, 32);
  writer.append(0x1ff, 9);  // 41 bits in all; 5 bytes hold 40
  EXPECT_THROW(static_cast<void>(writer.finish()), InternalError);
}

TEST(BitReader, ReadsBackEveryWidthAtEveryCountAndPastNothing) {
  for (unsigned bits = 0; bits <= kMaxFieldBits; ++bits) {
    for (const std::size_t fields : {0u, 1u, 7u, 8u, 9u, 63u, 64u, 65u, 1000u}) {
      SCOPED_TRACE(testing::Message() << fields << " fields of " << bits << " bits");
      const std::size_t length = packed_bytes(fields, bits);
      std::vector<std::byte> bytes(length + 8, kGuard);
      BitWriter writer{std::span(bytes).first(length)};
      for (std::size_t i = 0; i < fields; ++i) writer.append(field_of(i, bits), bits);
      EXPECT_EQ(writer.finish(), length);
      EXPECT_THAT(std::vector(bytes.end() - 8, bytes.end()), testing::Each(kGuard));

      const std::vector<std::byte> exact(bytes.begin(), bytes.end() - 8);
      BitReader reader(exact);
      for (std::size_t i = 0; i < fields; ++i) ASSERT_EQ(reader.read(bits), field_of(i, bits)) << i;
      EXPECT_NO_THROW(reader.finish());
    }
  }
}

TEST(BitReader, MixesWidths) {
  std::vector<std::byte> bytes(packed_bytes(33 * 10, 16));
  BitWriter writer(bytes);
  for (unsigned i = 0; i < 330; ++i) writer.append(field_of(i, i % 33), i % 33);
  const std::size_t length = writer.finish();
  EXPECT_EQ(length, 660u);  // 10 rounds of 0 + 1 + ... + 32 = 528 bits
  BitReader reader{std::span(bytes).first(length)};
  for (unsigned i = 0; i < 330; ++i) ASSERT_EQ(reader.read(i % 33), field_of(i, i % 33)) << i;
  EXPECT_NO_THROW(reader.finish());
}

TEST(BitReader, RefusesAFieldPastTheEnd) {
  const std::vector<std::byte> bytes(3);
  BitReader reader(bytes);
  EXPECT_EQ(reader.read(20), 0u);
  EXPECT_THROW(static_cast<void>(reader.read(5)), WireError);
  EXPECT_EQ(reader.read(4), 0u);
  EXPECT_THROW(static_cast<void>(reader.read(1)), WireError);
  EXPECT_EQ(reader.read(0), 0u);
}

TEST(BitReader, RefusesPaddingThatIsSet) {
  const std::vector<std::byte> bytes = {std::byte{0x21}};
  BitReader reader(bytes);
  EXPECT_EQ(reader.read(5), 1u);
  EXPECT_THROW(reader.finish(), WireError);
}

TEST(BitReader, RefusesABytePastTheLastField) {
  const std::vector<std::byte> bytes(2);
  BitReader reader(bytes);
  EXPECT_EQ(reader.read(8), 0u);
  EXPECT_THROW(reader.finish(), WireError);
}

// A count of bits held in float32 is inexact above 2^24; one held in 32 bits wraps above 2^32.
TEST(PackedBytes, IsExactAboveTwoToTheThirtyTwoBits) {
  EXPECT_EQ(packed_bytes((std::size_t{1} << 24) + 1, 1), (std::size_t{1} << 21) + 1);
  EXPECT_EQ(packed_bytes((std::size_t{1} << 31) + 1, 31), 31 * (std::size_t{1} << 28) + 4);
  EXPECT_EQ(packed_bytes(std::size_t{1} << 58, 32), std::size_t{1} << 60);
}

}  // namespace
}  // namespace sterna::wire
