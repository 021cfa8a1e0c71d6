#include "runtime/wire/message.h"

#define XXH_STATIC_LINKING_ONLY  // defines XXH3_state_t, so that it can live on the stack
#include <xxhash.h>

#include <algorithm>
#include <limits>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/wire/expectation.h"
#include "runtime/wire/key_fields.h"

namespace sterna::wire {
namespace {

constexpr std::uint32_t kMagic = 0x4e525453;  // "STRN"

// Where the header's fields behind those of the key lie, in bytes.
constexpr std::size_t kTotalAt = kKeyFieldsBytes;
constexpr std::size_t kChecksumAt = 24;
static_assert(kChecksumAt + sizeof(std::uint64_t) == kMessageHeaderBytes);

std::uint64_t checksum_of(std::span<const std::byte> message) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, message.data(), kChecksumAt);
  XXH3_64bits_update(&state, message.data() + kMessageHeaderBytes, message.size() - kMessageHeaderBytes);
  return XXH3_64bits_digest(&state);
}

std::size_t length_at(std::size_t section) {
  return kMessageHeaderBytes + section * kMessageLengthBytes;
}

void check_header(std::span<const std::byte> message, const Expectation& expectation) {
  if (message.size() < kMessageHeaderBytes) {
    expectation.fail("message bytes", message.size(),
                     cat("expected at least the header's ", kMessageHeaderBytes));
  }
  require_magic(expectation, message, kMagic, "magic");
  expectation.require("total bytes in the header", load<std::uint32_t>(message, kTotalAt), message.size());
  expectation.require("checksum", load<std::uint64_t>(message, kChecksumAt), checksum_of(message));
  require_key(expectation, message, "sections");
}

}  // namespace

MessageWriter::MessageWriter(const MessageKey& key, std::vector<std::byte>& buffer)
    : key_(key), buffer_(buffer), end_(message_bytes(key.sections, 0)) {
  check_fits(key);
  if (buffer_.size() < end_) buffer_.resize(end_);
}

std::span<std::byte> MessageWriter::reserve(std::size_t max_bytes) {
  STERNA_CHECK(sections_ < key_.sections);
  reserved_bytes_ = max_bytes;
  if (buffer_.size() < end_ + max_bytes) buffer_.resize(end_ + max_bytes);
  return std::span(buffer_).subspan(end_, max_bytes);
}

void MessageWriter::commit(std::size_t bytes) {
  STERNA_CHECK(bytes <= reserved_bytes_);
  STERNA_CHECK((end_ + bytes) <= std::numeric_limits<std::uint32_t>::max());
  store(buffer_, length_at(sections_), static_cast<std::uint32_t>(bytes));
  end_ += bytes;
  reserved_bytes_ = 0;
  ++sections_;
}

void MessageWriter::append(std::span<const std::byte> section) {
  std::ranges::copy(section, reserve(section.size()).begin());
  commit(section.size());
}

std::span<const std::byte> MessageWriter::finish() {
  STERNA_CHECK(sections_ == key_.sections);
  const std::span<std::byte> message = std::span(buffer_).first(end_);
  store_key_fields(message, kMagic, key_);
  store(message, kTotalAt, static_cast<std::uint32_t>(end_));
  store(message, kChecksumAt, checksum_of(message));
  return message;
}

void MessageReader::open(std::span<const std::byte> message, const MessageKey& expected) {
  starts_.clear();
  const Expectation expectation{expected};
  check_header(message, expectation);
  // 64 bits hold every sum here: 2^32 lengths below 2^32.
  std::uint64_t end = message_bytes(expected.sections, 0);
  if (end > message.size()) {
    expectation.fail("message bytes", message.size(),
                     cat("expected at least ", end, " for its table of lengths"));
  }
  starts_.reserve(std::size_t{expected.sections} + 1);
  starts_.push_back(end);
  for (std::uint32_t i = 0; i < expected.sections; ++i) {
    end += load<std::uint32_t>(message, length_at(i));
    starts_.push_back(end);
  }
  if (end != message.size()) {
    starts_.clear();
    expectation.fail("message bytes", message.size(), cat("expected ", end, " by its table of lengths"));
  }
  message_ = message;
}

std::span<const std::byte> MessageReader::section(std::size_t index) const {
  STERNA_CHECK(index < sections());
  return message_.subspan(starts_[index], starts_[index + 1] - starts_[index]);
}

}  // namespace sterna::wire
