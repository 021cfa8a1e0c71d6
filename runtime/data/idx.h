// Reads files of MNIST's IDX format, plain or compressed with gzip.
//
//   file    := magic extent{dimensions} byte*      ; numbers are big-endian, 32 bits
//   magic   := 00 00 type dimensions               ; type 08, unsigned bytes, is the only one that is read
//   extent  := items, then the extents of one item ; byte* is as long as their product
//
// Source: the format's description on MNIST's page (LeCun, Cortes, Burges).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace sterna::data {

struct IdxFile {
  std::size_t items = 0;
  std::vector<std::uint8_t> bytes;  // [items, item...]
};

// Reads a file whose items have the extents `item`: {28, 28} for MNIST's images, {} for labels.
//
// Throws ConfigError if the file cannot be read, is damaged, has no item, is of another type or shape, or is
// shorter or longer than its header says. Memory follows what the file holds, not what its header promises.
[[nodiscard]] IdxFile read_idx(const std::filesystem::path& path, const std::vector<std::size_t>& item);

}  // namespace sterna::data
