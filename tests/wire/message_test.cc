#include "runtime/wire/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::wire {
namespace {

using Bytes = std::vector<std::byte>;

constexpr MessageKey kKey{
    .kind = MessageKind::kPayloads, .step = 7, .bucket = 3, .first_learner = 2, .sections = 2};

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// Sections "ab" and "": 32 bytes of header, 2 * 4 of lengths, 2 of sections = 42 = 0x2a.
// The checksum 0x30ccef55d1c855c0 is what `xxhsum -H3` (0.8.1) prints for the other 34 bytes.
const Bytes kGolden = bytes_of(
    std::string_view("STRN\x01\x01\x03\x00\x07\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x2a\x00\x00\x00"
                     "\xc0\x55\xc8\xd1\x55\xef\xcc\x30"
                     "\x02\x00\x00\x00\x00\x00\x00\x00"
                     "ab",
                     42));

Bytes write_message(const MessageKey& key, const std::vector<Bytes>& sections) {
  Bytes buffer;
  MessageWriter writer(key, buffer);
  for (const Bytes& section : sections) writer.append(section);
  const auto message = writer.finish();
  return {message.begin(), message.end()};
}

// Makes the checksum right again, so that a reader gets to what lies behind it.
Bytes with_checksum(Bytes message) {
  Bytes others(message.begin(), message.begin() + 24);
  others.insert(others.end(), message.begin() + kMessageHeaderBytes, message.end());
  store(message, 24, std::uint64_t{XXH3_64bits(others.data(), others.size())});
  return message;
}

template <typename T>
Bytes golden_with(std::size_t offset, T value) {
  Bytes message = kGolden;
  store(message, offset, value);
  return with_checksum(message);
}

std::string refusal_of(const Bytes& message, const MessageKey& expected = kKey) {
  // A buffer of its own, exactly as long, so that AddressSanitizer sees a read past its end.
  const Bytes exact(message.begin(), message.end());
  MessageReader reader;
  try {
    reader.open(exact, expected);
  } catch (const WireError& error) {
    EXPECT_EQ(reader.sections(), 0u);
    return error.what();
  }
  return "accepted";
}

TEST(MessageWriter, WritesTheBytesItsGrammarShows) {
  EXPECT_EQ(write_message(kKey, {bytes_of("ab"), {}}), kGolden);
  EXPECT_EQ(message_bytes(2, 2), kGolden.size());
}

TEST(MessageWriter, TakesSectionsShorterThanTheirReservation) {
  Bytes buffer;
  MessageWriter writer(kKey, buffer);
  const std::span<std::byte> room = writer.reserve(100);
  ASSERT_EQ(room.size(), 100u);
  room[0] = std::byte{'a'};
  room[1] = std::byte{'b'};
  writer.commit(2);
  writer.append({});
  EXPECT_THAT(writer.finish(), testing::ElementsAreArray(kGolden));
}

TEST(MessageWriter, KeepsItsBufferFromMessageToMessage) {
  Bytes buffer;
  const std::byte* first = nullptr;
  for (int round = 0; round < 3; ++round) {
    MessageWriter writer(kKey, buffer);
    writer.append(Bytes(round == 0 ? 1000 : 10));
    writer.append(Bytes(5));
    const auto message = writer.finish();
    EXPECT_EQ(message.size(), message_bytes(2, round == 0 ? 1005 : 15));
    if (round == 0) first = message.data();
    EXPECT_EQ(message.data(), first);
  }
}

TEST(MessageWriter, ChecksItsCallers) {
  Bytes buffer;
  MessageWriter writer(kKey, buffer);
  EXPECT_THROW(static_cast<void>(writer.finish()), InternalError);  // a section is missing
  static_cast<void>(writer.reserve(4));
  EXPECT_THROW(writer.commit(5), InternalError);
  writer.append({});
  writer.append({});
  EXPECT_THROW(writer.append({}), InternalError);
  EXPECT_THROW(MessageWriter({.step = std::uint64_t{1} << 32}, buffer), InternalError);
  EXPECT_THROW(MessageWriter({.bucket = 1u << 16}, buffer), InternalError);
}

TEST(MessageReader, GivesBackTheSections) {
  const std::vector<Bytes> sections = {bytes_of("first"), {}, Bytes(1000, std::byte{9}), bytes_of("x")};
  MessageKey key = kKey;
  key.sections = 4;
  const Bytes message = write_message(key, sections);
  MessageReader reader;
  reader.open(message, key);
  ASSERT_EQ(reader.sections(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_THAT(reader.section(i), testing::ElementsAreArray(sections[i]));
  EXPECT_THROW(static_cast<void>(reader.section(4)), InternalError);
}

TEST(MessageReader, TakesAMessageWithoutSections) {
  MessageKey key = kKey;
  key.sections = 0;
  const Bytes message = write_message(key, {});
  EXPECT_EQ(message.size(), kMessageHeaderBytes);
  MessageReader reader;
  reader.open(message, key);
  EXPECT_EQ(reader.sections(), 0u);
}

TEST(MessageReader, ReadsMessagesOneAfterTheOther) {
  MessageReader reader;
  for (const std::string_view text : {"longer", "s"}) {
    const Bytes message = write_message(kKey, {bytes_of(text), bytes_of("z")});
    reader.open(message, kKey);
    EXPECT_THAT(reader.section(0), testing::ElementsAreArray(bytes_of(text)));
  }
}

TEST(MessageReader, SaysStepBucketLearnerWhatCameAndWhatWasExpected) {
  MessageKey key = kKey;
  key.step = 8;
  EXPECT_EQ(refusal_of(kGolden, key),
            "[wire] step 8, bucket 3, from learner 2: step = 7, expected 8; "
            "do all ranks run the same build and settings?");
}

TEST(MessageReader, RefusesEveryTruncation) {
  for (std::size_t length = 0; length < kGolden.size(); ++length) {
    EXPECT_THAT(refusal_of(Bytes(kGolden.begin(), kGolden.begin() + static_cast<std::ptrdiff_t>(length))),
                testing::HasSubstr("bytes"))
        << length;
  }
}

TEST(MessageReader, RefusesAByteTooMany) {
  Bytes message = kGolden;
  message.push_back(std::byte{0});
  EXPECT_THAT(refusal_of(message), testing::HasSubstr("total bytes in the header = 42, expected 43"));
}

TEST(MessageReader, RefusesAForeignMagic) {
  EXPECT_THAT(refusal_of(golden_with<std::uint8_t>(0, 'T')), testing::HasSubstr("magic = "));
}

TEST(MessageReader, RefusesAnotherVersion) {
  EXPECT_THAT(refusal_of(golden_with<std::uint8_t>(4, 2)), testing::HasSubstr("version = 2, expected 1"));
}

TEST(MessageReader, RefusesAnotherKind) {
  EXPECT_THAT(refusal_of(golden_with<std::uint8_t>(5, 2)), testing::HasSubstr("kind = 2, expected 1"));
}

TEST(MessageReader, RefusesAnotherBucket) {
  EXPECT_THAT(refusal_of(golden_with<std::uint16_t>(6, 4)), testing::HasSubstr("bucket = 4, expected 3"));
}

TEST(MessageReader, RefusesAnotherStep) {
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(8, 6)), testing::HasSubstr("step = 6, expected 7"));
}

TEST(MessageReader, RefusesAnotherLearner) {
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(12, 1)),
              testing::HasSubstr("first learner = 1, expected 2"));
}

TEST(MessageReader, RefusesAnotherNumberOfSections) {
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(16, 3)), testing::HasSubstr("sections = 3, expected 2"));
}

TEST(MessageReader, RefusesATableOfLengthsLongerThanTheMessage) {
  MessageKey key = kKey;
  key.sections = 3;  // 32 + 3 * 4 = 44 bytes, 42 are there
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(16, 3), key), testing::HasSubstr("expected at least 44"));
}

TEST(MessageReader, RefusesLengthsThatDoNotAddUp) {
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(32, 1)), testing::HasSubstr("expected 41"));
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(36, 1)), testing::HasSubstr("expected 43"));
}

// 2^32 - 1 + 3 is 2 in 32 bits: the true sum, 42, would come out again.
TEST(MessageReader, RefusesLengthsThatAddUpOnlyIfTheirSumWraps) {
  Bytes message = kGolden;
  store(message, 32, std::uint32_t{0xffffffff});
  store(message, 36, std::uint32_t{3});
  EXPECT_THAT(refusal_of(with_checksum(message)), testing::HasSubstr("expected 4294967338"));
}

TEST(MessageReader, RefusesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < 8 * kGolden.size(); ++bit) {
    Bytes message = kGolden;
    message[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    EXPECT_NE(refusal_of(message), "accepted") << "bit " << bit;
  }
}

TEST(MessageReader, SurvivesRandomBytesBehindARightChecksum) {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    Bytes message = kGolden;
    for (std::uint64_t i = 0; i < 4; ++i) {
      const std::uint32_t random = random_bits({.seed = round}, i);
      message[random % message.size()] = static_cast<std::byte>(random >> 24);
    }
    const std::string refusal = refusal_of(with_checksum(message));
    EXPECT_TRUE(refusal == "accepted" || refusal.starts_with("[wire] step 7")) << refusal;
  }
}

}  // namespace
}  // namespace sterna::wire
