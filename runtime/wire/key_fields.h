// The first 20 bytes of whatever goes from rank to rank with a MessageKey: which kind of thing it is, and the
// key. Internal to the wire.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "runtime/core/bytes.h"
#include "runtime/wire/expectation.h"
#include "runtime/wire/message.h"

namespace sterna::wire {

// Where the fields lie, in bytes.
inline constexpr std::size_t kMagicAt = 0;
inline constexpr std::size_t kVersionAt = 4;
inline constexpr std::size_t kKindAt = 5;
inline constexpr std::size_t kBucketAt = 6;
inline constexpr std::size_t kStepAt = 8;
inline constexpr std::size_t kFirstLearnerAt = 12;
inline constexpr std::size_t kSectionsAt = 16;
inline constexpr std::size_t kKeyFieldsBytes = 20;

inline void check_fits(const MessageKey& key) {
  STERNA_CHECK(key.step <= std::numeric_limits<std::uint32_t>::max());
  STERNA_CHECK(key.bucket <= std::numeric_limits<std::uint16_t>::max());
}

inline void store_key_fields(std::span<std::byte> to, std::uint32_t magic, const MessageKey& key) {
  store(to, kMagicAt, magic);
  store(to, kVersionAt, kMessageVersion);
  store(to, kKindAt, static_cast<std::uint8_t>(key.kind));
  store(to, kBucketAt, static_cast<std::uint16_t>(key.bucket));
  store(to, kStepAt, static_cast<std::uint32_t>(key.step));
  store(to, kFirstLearnerAt, key.first_learner);
  store(to, kSectionsAt, key.sections);
}

// Throw WireError. The second one's fields can be believed once the bytes are known to be undamaged.
//   name, sections_name  of the field, in the error
inline void require_magic(const Expectation& expectation, std::span<const std::byte> from,
                          std::uint32_t magic, std::string_view name) {
  expectation.require(name, load<std::uint32_t>(from, kMagicAt), magic);
  expectation.require("version", load<std::uint8_t>(from, kVersionAt), kMessageVersion);
}

inline void require_key(const Expectation& expectation, std::span<const std::byte> from,
                        std::string_view sections_name) {
  const MessageKey& key = expectation.key;
  expectation.require("kind", load<std::uint8_t>(from, kKindAt), static_cast<std::uint8_t>(key.kind));
  expectation.require("step", load<std::uint32_t>(from, kStepAt), key.step);
  expectation.require("bucket", load<std::uint16_t>(from, kBucketAt), key.bucket);
  expectation.require("first learner", load<std::uint32_t>(from, kFirstLearnerAt), key.first_learner);
  expectation.require(sections_name, load<std::uint32_t>(from, kSectionsAt), key.sections);
}

}  // namespace sterna::wire
