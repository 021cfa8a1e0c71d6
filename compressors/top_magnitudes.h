// The exact largest magnitudes of residue + gradient, and the ascending indices that they are named by.
// Shared by topk and by scalecom with --selection exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "runtime/wire/bits.h"

namespace sterna::compressors {

// Which elements are the k largest: those above the threshold, and the first few that equal it. Zeros never
// are.
struct TopMagnitudes {
  std::uint32_t threshold_bits = 0;  // float32 without its sign: such patterns order as the magnitudes do
  std::size_t ties_sent = 0;         // elements at the threshold, those with the lowest indices
  std::size_t count = 0;             // elements in all: k, or fewer if fewer are not zero
};

// Finds the k <= n largest of |residue + gradient|, [n] each, in three passes (radix select); keeps no copy
// of them.
[[nodiscard]] TopMagnitudes find_top_magnitudes(std::span<const float> gradient,
                                                std::span<const float> residue, std::size_t k);

// Writes the indices of the elements in `top` as fields of `index_bits`, and residue + gradient there as
// float32. Moves the residue on: += beta * gradient, in two roundings; of a sent element -= beta * residue, 0
// for beta 1.
//   values  4 * top.count bytes
// Returns the bytes of the indices.
std::size_t send_top_magnitudes(const TopMagnitudes& top, std::span<const float> gradient,
                                std::span<float> residue, float beta, unsigned index_bits,
                                std::span<std::byte> indices, std::span<std::byte> values);

// Reads such indices. Throws WireError where they do not ascend, lie beyond the layer, or are not `count`
// exactly.
class AscendingIndices {
 public:
  AscendingIndices(std::span<const std::byte> indices, std::size_t count, std::size_t elements);

  // The next index, or none after the last.
  [[nodiscard]] std::optional<std::size_t> next();

 private:
  wire::BitReader reader_;
  std::size_t left_;
  std::size_t elements_;
  unsigned index_bits_;
  std::size_t lowest_ = 0;  // what the next index may be
};

}  // namespace sterna::compressors
