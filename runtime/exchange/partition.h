// How the elements of a layer are dealt to L parts, one for each learner, which owns it.
//
// Of each block of L elements every part has one: the parts differ by at most one element in length, and the
// number of an element's block names it within its part. Each block is dealt from another part on, so that
// whatever is alike in neighbours, in rows or in columns of a layer is spread over all parts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sterna::exchange {

class Partition {
 public:
  Partition(std::size_t elements, std::uint32_t parts) : elements_(elements), parts_(parts) {}

  [[nodiscard]] std::size_t elements() const { return elements_; }
  [[nodiscard]] std::size_t blocks() const { return elements_ / parts_ + (elements_ % parts_ != 0 ? 1 : 0); }
  [[nodiscard]] std::size_t block_of(std::size_t element) const { return element / parts_; }
  [[nodiscard]] std::uint32_t part_of(std::size_t element) const {
    return static_cast<std::uint32_t>((element % parts_ + first_part_of(block_of(element))) % parts_);
  }

  // The element that the part has of a block. The last block may be shorter than L: beyond the layer if the
  // part has none of it.
  [[nodiscard]] std::size_t element_of(std::uint32_t part, std::size_t block) const {
    return block * parts_ + (part + parts_ - first_part_of(block)) % parts_;
  }

 private:
  // Multiplicative hashing: the fraction of block / golden ratio, of which any run of blocks is spread
  // evenly.
  [[nodiscard]] std::size_t first_part_of(std::size_t block) const {
    constexpr std::uint32_t kTwoTo32OverGoldenRatio = 0x9e3779b9;
    const std::uint32_t fraction = static_cast<std::uint32_t>(block) * kTwoTo32OverGoldenRatio;
    return std::size_t{fraction} * parts_ >> 32;
  }

  std::size_t elements_;
  std::size_t parts_;  // L
};

}  // namespace sterna::exchange
