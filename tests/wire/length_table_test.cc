#include "runtime/wire/length_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::wire {
namespace {

using Bytes = std::vector<std::byte>;

constexpr MessageKey kKey{
    .kind = MessageKind::kIndices, .step = 7, .bucket = 3, .first_learner = 2, .sections = 2};

// Lengths 5 and 0x102, behind a header of 20 bytes.
Bytes golden() {
  constexpr std::string_view kText(
      "STRT\x01\x02\x03\x00\x07\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"
      "\x05\x00\x00\x00\x02\x01\x00\x00",
      28);
  const auto bytes = std::as_bytes(std::span(kText));
  return {bytes.begin(), bytes.end()};
}

std::string refusal_of(const Bytes& table, const MessageKey& expected = kKey) {
  // A buffer of its own, exactly as long, so that AddressSanitizer sees a read past its end.
  const Bytes exact(table.begin(), table.end());
  try {
    (void)read_table(exact, expected);
  } catch (const WireError& error) {
    return error.what();
  }
  return "accepted";
}

template <typename T>
Bytes golden_with(std::size_t offset, T value) {
  Bytes table = golden();
  store(table, offset, value);
  return table;
}

TEST(LengthTable, HasTheBytesItsGrammarShows) {
  const auto header = table_header(kKey);
  const Bytes table = golden();
  EXPECT_EQ(Bytes(header.begin(), header.end()), Bytes(table.begin(), table.begin() + kTableHeaderBytes));
  EXPECT_EQ(table_bytes(2), table.size());
  EXPECT_THAT(read_table(table, kKey), testing::ElementsAre(5, 0x102));
}

TEST(LengthTable, ChecksItsCallers) {
  EXPECT_THROW((void)table_header({.step = std::uint64_t{1} << 32}), InternalError);
  EXPECT_THROW((void)table_header({.bucket = 1u << 16}), InternalError);
}

TEST(LengthTable, RefusesEveryOtherLength) {
  Bytes table = golden();
  table.push_back(std::byte{0});
  EXPECT_THAT(refusal_of(table), testing::HasSubstr("table bytes = 29, expected 28"));
  for (std::size_t bytes = 0; bytes < 28; ++bytes) {
    table.resize(bytes);
    EXPECT_THAT(refusal_of(table), testing::HasSubstr("table bytes")) << bytes;
  }
}

TEST(LengthTable, RefusesWhatIsOfAnotherStepOrPlace) {
  EXPECT_THAT(refusal_of(golden_with<std::uint8_t>(0, 'X')), testing::HasSubstr("magic of the table = "));
  EXPECT_THAT(refusal_of(golden_with<std::uint8_t>(4, 2)), testing::HasSubstr("version = 2, expected 1"));
  EXPECT_THAT(refusal_of(golden_with<std::uint8_t>(5, 1)), testing::HasSubstr("kind = 1, expected 2"));
  EXPECT_THAT(refusal_of(golden_with<std::uint16_t>(6, 4)), testing::HasSubstr("bucket = 4, expected 3"));
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(12, 1)),
              testing::HasSubstr("first learner = 1, expected 2"));
  EXPECT_THAT(refusal_of(golden_with<std::uint32_t>(16, 1)), testing::HasSubstr("lengths = 1, expected 2"));
  EXPECT_EQ(refusal_of(golden_with<std::uint32_t>(8, 6)),
            "[wire] step 7, bucket 3, from learner 2: step = 6, expected 7; "
            "do all ranks run the same build and settings?");
}

}  // namespace
}  // namespace sterna::wire
