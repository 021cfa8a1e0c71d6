// Unsigned fields of 0 to 32 bits, packed without gaps.
//
//   bit string := field*   padding     the first field in the lowest bits of the first byte, each field
//   lowest bit first padding    := zero bits up to the next whole byte
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::wire {

inline constexpr unsigned kMaxFieldBits = 32;

// Returns how many bytes `fields` fields of `bits_per_field` bits take; exact for every count of fields below
// 2^59.
[[nodiscard]] constexpr std::size_t packed_bytes(std::size_t fields, unsigned bits_per_field) {
  return fields / 8 * bits_per_field + (fields % 8 * bits_per_field + 7) / 8;
}

// Writes fields to the front of a span, which is long enough: packed_bytes() says how long that is.
class BitWriter {
 public:
  explicit BitWriter(std::span<std::byte> bytes) : bytes_(bytes) {}

  // `value` is below 2^bits, `bits` at most 32.
  void append(std::uint32_t value, unsigned bits) {
    STERNA_CHECK((std::uint64_t{value} >> bits) == 0u);
    pending_ |= std::uint64_t{value} << pending_bits_;
    pending_bits_ += bits;
    if (pending_bits_ >= kWordBits) flush_word();
  }

  // Writes what is pending, padded; returns the bytes written in all. Nothing may be appended afterwards.
  [[nodiscard]] std::size_t finish();

 private:
  static constexpr unsigned kWordBits = 32;

  void flush_word() {
    STERNA_CHECK((written_ + sizeof(std::uint32_t)) <= bytes_.size());
    store(bytes_, written_, static_cast<std::uint32_t>(pending_));
    written_ += sizeof(std::uint32_t);
    pending_ >>= kWordBits;
    pending_bits_ -= kWordBits;
  }

  std::span<std::byte> bytes_;
  std::size_t written_ = 0;
  std::uint64_t pending_ = 0;  // appended but not yet written; fewer than 32 bits between two calls
  unsigned pending_bits_ = 0;
};

// Reads fields from the front of a span, which may hold anything.
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // Throws WireError if fewer than `bits` bits, at most 32, are left.
  [[nodiscard]] std::uint32_t read(unsigned bits) {
    const std::size_t byte = position_ / 8;
    if (byte + sizeof(std::uint64_t) > bytes_.size()) return read_near_end(bits);
    const std::uint64_t word = load<std::uint64_t>(bytes_, byte) >> (position_ % 8);
    position_ += bits;
    return lowest(word, bits);
  }

  // Throws WireError if a whole byte is left unread, or a padding bit is set.
  void finish();

 private:
  [[nodiscard]] static std::uint32_t lowest(std::uint64_t word, unsigned bits) {
    return static_cast<std::uint32_t>(word & ((std::uint64_t{1} << bits) - 1));
  }
  [[nodiscard]] std::uint32_t read_near_end(unsigned bits);

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;  // in bits
};

}  // namespace sterna::wire
