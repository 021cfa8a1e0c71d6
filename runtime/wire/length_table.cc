#include "runtime/wire/length_table.h"

#include <limits>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/wire/expectation.h"

namespace sterna::wire {
namespace {

constexpr std::uint32_t kMagic = 0x54525453;  // "STRT"

// Where the header's fields lie, in bytes.
constexpr std::size_t kMagicAt = 0;
constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kKindAt = 5;
constexpr std::size_t kBucketAt = 6;
constexpr std::size_t kStepAt = 8;
constexpr std::size_t kFirstLearnerAt = 12;
constexpr std::size_t kLengthsAt = 16;
static_assert(kLengthsAt + sizeof(std::uint32_t) == kTableHeaderBytes);

}  // namespace

std::array<std::byte, kTableHeaderBytes> table_header(const MessageKey& key) {
  STERNA_CHECK(key.step <= std::numeric_limits<std::uint32_t>::max());
  STERNA_CHECK(key.bucket <= std::numeric_limits<std::uint16_t>::max());
  std::array<std::byte, kTableHeaderBytes> header{};
  store(header, kMagicAt, kMagic);
  store(header, kVersionAt, kMessageVersion);
  store(header, kKindAt, static_cast<std::uint8_t>(key.kind));
  store(header, kBucketAt, static_cast<std::uint16_t>(key.bucket));
  store(header, kStepAt, static_cast<std::uint32_t>(key.step));
  store(header, kFirstLearnerAt, key.first_learner);
  store(header, kLengthsAt, key.sections);
  return header;
}

std::vector<std::size_t> read_table(std::span<const std::byte> table, const MessageKey& expected) {
  const Expectation expectation{expected};
  expectation.require("table bytes", table.size(), table_bytes(expected.sections));
  expectation.require("magic of the table", load<std::uint32_t>(table, kMagicAt), kMagic);
  expectation.require("version", load<std::uint8_t>(table, kVersionAt), kMessageVersion);
  expectation.require("kind", load<std::uint8_t>(table, kKindAt), static_cast<std::uint8_t>(expected.kind));
  expectation.require("step", load<std::uint32_t>(table, kStepAt), expected.step);
  expectation.require("bucket", load<std::uint16_t>(table, kBucketAt), expected.bucket);
  expectation.require("first learner", load<std::uint32_t>(table, kFirstLearnerAt), expected.first_learner);
  expectation.require("lengths", load<std::uint32_t>(table, kLengthsAt), expected.sections);
  std::vector<std::size_t> lengths;
  lengths.reserve(expected.sections);
  for (std::size_t i = 0; i < expected.sections; ++i) {
    lengths.push_back(load<std::uint32_t>(table, table_bytes(i)));
  }
  return lengths;
}

}  // namespace sterna::wire
