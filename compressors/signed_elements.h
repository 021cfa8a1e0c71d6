// Elements of which the sign alone is sent, because they lie beyond a threshold: how strom and dryden find
// and write them.
//
//   signs   := count  code*  padding
//   count   := 4 bytes                       little-endian: codes; not 0
//   code    := ceil(log2 n) bits  1 bit      index in the layer, ascending; set if negative
//   padding := zero bits                     up to the next whole byte
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "compressors/settings.h"
#include "runtime/wire/bits.h"

namespace sterna::compressors {

inline constexpr std::uint32_t kSignBit = 0x80000000;

// The least magnitude that is beyond, of each sign: float32 without its sign. Such patterns order as the
// magnitudes do, infinities and NaNs last.
struct Thresholds {
  std::uint32_t positive_bits = kSignBit - 1;
  std::uint32_t negative_bits = kSignBit - 1;

  // Without a branch, so that a compiler can do several at a time.
  [[nodiscard]] bool are_reached_by(float value) const {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto is_above = static_cast<std::int32_t>(bits) >= static_cast<std::int32_t>(positive_bits);
    const auto is_below = bits >= (negative_bits | kSignBit);
    return is_above | is_below;
  }
};

// Calls each(i) for each of the values beyond a threshold, ascending. Few are: blocks without any are
// skipped.
template <typename Each>
void for_each_beyond(std::span<const float> values, const Thresholds& thresholds, const Each& each) {
  constexpr std::size_t kBlockElements = 32;
  for (std::size_t begin = 0; begin < values.size();) {
    const std::size_t end = values.size() - begin < kBlockElements ? values.size() : begin + kBlockElements;
    std::uint32_t found = 0;
    for (std::size_t i = begin; i < end; ++i) {
      found |= static_cast<std::uint32_t>(thresholds.are_reached_by(values[i]));
    }
    for (; found != 0 && begin < end; ++begin) {
      if (thresholds.are_reached_by(values[begin])) each(begin);
    }
    begin = end;
  }
}

// The bytes of so many signs of a layer.
[[nodiscard]] std::size_t signs_bytes(std::size_t elements, std::size_t count);

// Writes signs to the front of `bytes`, which are as many as signs_bytes() says.
class SignWriter {
 public:
  SignWriter(std::span<std::byte> bytes, std::size_t elements);

  void append(std::size_t index, bool is_negative) {
    writer_.append(static_cast<std::uint32_t>(index), index_bits_);
    writer_.append(is_negative ? 1 : 0, 1);
    ++count_;
  }
  [[nodiscard]] std::size_t count() const { return count_; }

  // Returns the bytes written in all. Nothing may be appended afterwards.
  [[nodiscard]] std::size_t finish();

 private:
  std::span<std::byte> bytes_;
  wire::BitWriter writer_;
  unsigned index_bits_;
  std::size_t count_ = 0;
};

// Reads signs. Throws WireError where SignWriter cannot have written them.
class SignReader {
 public:
  //   method  whose they are: for errors
  SignReader(std::string_view method, std::span<const std::byte> bytes, std::size_t elements);

  // Whether there is another; after the last one, that nothing is left over.
  [[nodiscard]] bool next();

  [[nodiscard]] std::size_t index() const { return lowest_ - 1; }
  [[nodiscard]] bool is_negative() const { return is_negative_; }

 private:
  std::string_view method_;
  std::size_t elements_;
  unsigned index_bits_;
  std::size_t left_;
  wire::BitReader reader_;
  std::size_t lowest_ = 0;  // what the next index may be
  bool is_negative_ = false;
};

}  // namespace sterna::compressors
