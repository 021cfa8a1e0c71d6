#include "runtime/wire/bits.h"

#include <cstring>

namespace sterna::wire {

std::size_t BitWriter::finish() {
  const std::size_t tail_bytes = (pending_bits_ + 7) / 8;
  STERNA_CHECK((written_ + tail_bytes) <= bytes_.size());
  for (std::size_t i = 0; i < tail_bytes; ++i) {
    bytes_[written_ + i] = static_cast<std::byte>(pending_ >> (8 * i));
  }
  written_ += tail_bytes;
  pending_ = 0;
  pending_bits_ = 0;
  return written_;
}

std::uint32_t BitReader::read_near_end(unsigned bits) {
  if (position_ + bits > bytes_.size() * 8) {
    throw WireError(cat("[wire] bit string of ", bytes_.size(), " bytes: a field of ", bits, " bits at bit ",
                        position_, " lies past its end; expected a longer one"));
  }
  const std::size_t byte = position_ / 8;
  std::byte tail[sizeof(std::uint64_t)] = {};
  if (byte < bytes_.size()) std::memcpy(tail, bytes_.data() + byte, bytes_.size() - byte);
  const std::uint64_t word = load<std::uint64_t>(tail, 0) >> (position_ % 8);
  position_ += bits;
  return lowest(word, bits);
}

void BitReader::finish() {
  const std::size_t used_bytes = (position_ + 7) / 8;
  if (used_bytes != bytes_.size()) {
    throw WireError(cat("[wire] bit string of ", bytes_.size(), " bytes: expected ", used_bytes));
  }
  const auto padding_bits = static_cast<unsigned>(used_bytes * 8 - position_);
  const std::uint32_t padding = read(padding_bits);
  if (padding != 0) {
    throw WireError(cat("[wire] bit string of ", bytes_.size(), " bytes: its last ", padding_bits,
                        " bits are ", padding, ", expected 0"));
  }
}

}  // namespace sterna::wire
