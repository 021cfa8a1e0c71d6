#include "runtime/exchange/sparse_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::exchange {
namespace {

using compressors::Bytes;
using compressors::bytes_of;
using compressors::Element;
using compressors::ElementValues;
using testing::ElementsAre;

// Of 5 elements two parts have, as block / golden ratio has the fractions 0, .62, .24: 0, 3, 4 and 1, 2.
// Three blocks: an index has 2 bits.
const Partition kFive(5, 2);

Bytes written(const SparsePart& part, const std::vector<Element>& elements) {
  compressors::GuardedBytes bytes(part.max_bytes(elements.size()));
  return bytes.take(part.write(elements, bytes.span()).total());
}

std::vector<Element> read(const SparsePart& part, const Bytes& bytes) {
  Bytes exact(bytes);
  exact.shrink_to_fit();
  std::vector<Element> elements;
  part.read(exact, elements);
  return elements;
}

std::vector<std::pair<std::uint32_t, float>> pairs(const std::vector<Element>& elements) {
  std::vector<std::pair<std::uint32_t, float>> pairs;
  for (const Element& element : elements) pairs.emplace_back(element.index, element.value);
  return pairs;
}

TEST(Partition, DealsEachBlockFromAnotherPartOn) {
  std::vector<std::size_t> first_part;
  for (std::size_t block = 0; block < 3; ++block) {
    if (kFive.element_of(0, block) < 5) first_part.push_back(kFive.element_of(0, block));
  }
  EXPECT_THAT(first_part, ElementsAre(0, 3, 4));
}

TEST(Partition, GivesEachElementToOnePartAndAllPartsAsMany) {
  for (const std::size_t elements : {0u, 1u, 5u, 64u, 1001u}) {
    for (const std::uint32_t parts : {1u, 2u, 3u, 8u, 64u, 2000u}) {
      const Partition partition(elements, parts);
      std::vector<std::size_t> lengths(parts, 0);
      for (std::size_t element = 0; element < elements; ++element) {
        const std::uint32_t part = partition.part_of(element);
        ASSERT_LT(part, parts);
        ++lengths[part];
        ASSERT_LT(partition.block_of(element), partition.blocks());
        EXPECT_EQ(partition.element_of(part, partition.block_of(element)), element);
      }
      EXPECT_LE(std::ranges::max(lengths) - std::ranges::min(lengths), 1u) << elements << ", " << parts;
    }
  }
}

// In a matrix of 512 x 512 each of 32 parts has 16 elements of a row, one of each block, and of a column
// about as many: at random they would be 16 +- 4, and here 8 more or fewer are the most.
TEST(Partition, SpreadsRowsAndColumns) {
  const Partition partition(512 * 512, 32);
  for (const std::size_t stride : {1u, 512u}) {
    std::vector<int> lengths(32, 0);
    for (std::size_t i = 0; i < 512; ++i) ++lengths[partition.part_of(7 * 512 / stride + i * stride)];
    EXPECT_GE(std::ranges::min(lengths), stride == 1 ? 16 : 8) << stride;
    EXPECT_LE(std::ranges::max(lengths), stride == 1 ? 16 : 24) << stride;
  }
}

// Blocks 1 and 2: fields 10 and 01, lowest bit first: 0b1001. -3 = c0400000, 0.5 = 3f000000.
TEST(SparsePart, WritesTheBytesOfFloatsItsGrammarShows) {
  const SparsePart part(kFive, 0, ElementValues::kFloats);
  const std::vector<Element> elements = {{3, -3.0f}, {4, 0.5f}};
  const Bytes golden = bytes_of({0x09, 0, 0, 0x40, 0xc0, 0, 0, 0, 0x3f});
  EXPECT_EQ(written(part, elements), golden);
  EXPECT_EQ(pairs(read(part, golden)), pairs(elements));
}

// 1.5 = 3fc00000. Codes: block 0, no flag: 0; block 1, negative and last: 1 + 4 + 8 = 0xd.
TEST(SparsePart, WritesTheBytesOfSignsItsGrammarShows) {
  const SparsePart part(kFive, 0, ElementValues::kSigns);
  const std::vector<Element> elements = {{0, 1.5f}, {3, -1.5f}};
  const Bytes golden = bytes_of({0, 0, 0xc0, 0x3f, 0xd0});
  EXPECT_EQ(written(part, elements), golden);
  EXPECT_EQ(pairs(read(part, golden)), pairs(elements));
}

TEST(SparsePart, SaysWhichBytesAreValues) {
  Bytes bytes(100);
  const PartBytes floats =
      SparsePart(kFive, 0, ElementValues::kFloats).write(std::vector<Element>{{3, -3.0f}, {4, 0.5f}}, bytes);
  EXPECT_EQ(floats.values, 8u);
  EXPECT_EQ(floats.indices, 1u);
  const PartBytes signs =
      SparsePart(kFive, 0, ElementValues::kSigns).write(std::vector<Element>{{0, 1.5f}, {3, -1.5f}}, bytes);
  EXPECT_EQ(signs.values, 4u);
  EXPECT_EQ(signs.indices, 1u);
}

TEST(SparsePart, ReadsWhatItWroteOfPartsOfAnyLength) {
  for (const std::size_t length : {1u, 2u, 7u, 8u, 9u, 1000u, 100003u}) {
    for (const std::uint32_t parts : {1u, 3u, 4u, 2000u}) {
      const Partition partition(length, parts);
      for (const ElementValues values : {ElementValues::kFloats, ElementValues::kSigns}) {
        std::vector<Element> elements;
        for (std::uint32_t i = 0; i < length; i += 1 + i % 3) {
          const float sign = i % 5 < 2 ? -1.0f : 1.0f;
          const float magnitude = values == ElementValues::kSigns ? 0.25f : 1.0f + static_cast<float>(i);
          if (partition.part_of(i) == parts / 2) elements.push_back({i, sign * magnitude});
        }
        const SparsePart part(partition, parts / 2, values);
        EXPECT_EQ(pairs(read(part, written(part, elements))), pairs(elements)) << length << ", " << parts;
      }
    }
  }
}

TEST(SparsePart, WritesNothingForNothing) {
  for (const ElementValues values : {ElementValues::kFloats, ElementValues::kSigns}) {
    const SparsePart part(Partition(0, 4), 3, values);
    EXPECT_TRUE(written(part, {}).empty());
    EXPECT_TRUE(read(part, {}).empty());
  }
}

TEST(SparsePart, RefusesFloatsThatItCannotHaveWritten) {
  const SparsePart part(kFive, 0, ElementValues::kFloats);
  const auto refuses = [&](std::initializer_list<int> bytes) {
    EXPECT_THROW(read(part, bytes_of(bytes)), WireError);
  };
  for (const std::size_t length : {1u, 4u, 6u, 8u, 10u}) EXPECT_THROW(read(part, Bytes(length)), WireError);
  refuses({0x06, 0, 0, 0x40, 0xc0, 0, 0, 0, 0x3f});  // blocks 2, 1
  refuses({0x05, 0, 0, 0x40, 0xc0, 0, 0, 0, 0x3f});  // block 1 twice
  refuses({0x03, 0, 0, 0x40, 0xc0});                 // block 3 of 0 to 2
  refuses({0x19, 0, 0, 0x40, 0xc0, 0, 0, 0, 0x3f});  // padding
  refuses({0x01, 0, 0, 0, 0});                       // a value of 0
  refuses({0x01, 0, 0, 0, 0x80});                    // and of -0
  // The other part has nothing in block 2: that would be element 5.
  EXPECT_THROW(read(SparsePart(kFive, 1, ElementValues::kFloats), bytes_of({0x02, 0, 0, 0x40, 0xc0})),
               WireError);
}

TEST(SparsePart, RefusesSignsThatItCannotHaveWritten) {
  const SparsePart part(kFive, 0, ElementValues::kSigns);
  const auto refuses = [&](std::initializer_list<int> bytes) {
    EXPECT_THROW(read(part, bytes_of(bytes)), WireError);
  };
  refuses({0, 0, 0xc0});                    // no scale
  refuses({0, 0, 0xc0, 0x3f});              // no code
  refuses({0, 0, 0xc0, 0xbf, 0xd0});        // scale -1.5
  refuses({0, 0, 0x80, 0x7f, 0xd0});        // infinite
  refuses({0, 0, 0xc0, 0x7f, 0xd0});        // NaN
  refuses({0, 0, 0xc0, 0x3f, 0x50});        // no last code
  refuses({0, 0, 0xc0, 0x3f, 0xd0, 0});     // a byte after it
  refuses({0, 0, 0xc0, 0x3f, 0xd0, 0xd0});  // codes after it
  refuses({0, 0, 0xc0, 0x3f, 0x18});        // padding: the first code was the last
  refuses({0, 0, 0xc0, 0x3f, 0xd1});        // blocks 1, 1
  refuses({0, 0, 0xc0, 0x3f, 0xd2});        // blocks 2, 1
  refuses({0, 0, 0xc0, 0x3f, 0xf0});        // block 3
}

// Either WireError, or elements of this part; AddressSanitizer sees the rest.
TEST(SparsePart, SurvivesFlippedBitsAndCuts) {
  const Partition partition(300, 3);
  for (const ElementValues values : {ElementValues::kFloats, ElementValues::kSigns}) {
    const SparsePart part(partition, 1, values);
    std::vector<Element> elements;
    for (std::uint32_t i = 0; i < 300; i += 7) {
      if (partition.part_of(i) == 1) elements.push_back({i, i % 2 == 0 ? 2.0f : -2.0f});
    }
    const Bytes whole = written(part, elements);
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      Bytes changed = whole;
      changed[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      for (const std::size_t length : {whole.size(), bit / 8}) {
        changed.resize(length);
        try {
          for (const Element& element : read(part, changed)) EXPECT_EQ(partition.part_of(element.index), 1u);
        } catch (const WireError&) {
          continue;
        }
      }
    }
  }
}

TEST(SparsePart, ChecksWhatItIsToWrite) {
  Bytes bytes(100);
  const SparsePart part(kFive, 0, ElementValues::kSigns);
  EXPECT_THROW(part.write(std::vector<Element>{{1, 1.0f}}, bytes), InternalError);  // another's
  EXPECT_THROW(part.write(std::vector<Element>{{0, 1.0f}, {3, 2.0f}}, bytes),
               InternalError);  // two magnitudes
  EXPECT_THROW(part.write(std::vector<Element>{{0, 1.0f}}, std::span(bytes).first(4)), InternalError);
}

}  // namespace
}  // namespace sterna::exchange
