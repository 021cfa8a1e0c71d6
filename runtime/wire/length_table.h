// The table that travels ahead of sections which the host never sees: a device writes their lengths, and
// sends sections and table from its own memory.
//
//   table    := header  length*               all numbers little-endian
//   header   := magic          4 bytes  "STRT"
//               version        1 byte   kMessageVersion
//               kind           1 byte   MessageKind
//               bucket         2 bytes
//               step           4 bytes
//               first learner  4 bytes  the lowest learner whose sections these are
//               lengths        4 bytes  how many follow
//   length   := 4 bytes                 what of, the exchange knows
//
// Unlike a message it has no checksum: no kernel computes one. Kernels refuse what no encoder can have
// written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/wire/message.h"

namespace sterna::wire {

inline constexpr std::size_t kTableHeaderBytes = 20;

[[nodiscard]] constexpr std::size_t table_bytes(std::size_t lengths) {
  return kTableHeaderBytes + lengths * kMessageLengthBytes;
}

// key.sections is the number of lengths.
[[nodiscard]] std::array<std::byte, kTableHeaderBytes> table_header(const MessageKey& key);

// Returns the lengths. Throws WireError, which names what is wrong, unless the header is that of this key and
// so many lengths follow.
[[nodiscard]] std::vector<std::size_t> read_table(std::span<const std::byte> table,
                                                  const MessageKey& expected);

}  // namespace sterna::wire
