// The elements that are sent of one part of a layer, as bytes.
//
//   part    := ""                        none
//            | index*  padding  value*   kFloats: c of each: the one c for which the part has this length
//            | scale  code*  padding     kSigns
//   index   := ceil(log2 blocks) bits    number of the element's block in its Partition; ascending
//   value   := float32                   not 0
//   scale   := float32                   finite, its sign bit 0; each element is +scale or -scale
//   code    := index  1 bit: negative  1 bit: the last code
//   padding := zero bits                 up to the next whole byte
//
// All numbers little-endian. Both ends know the partition, the part, and which of the two it is.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compressors/compressor.h"
#include "runtime/exchange/partition.h"

namespace sterna::exchange {

struct PartBytes {
  std::size_t values = 0;
  std::size_t indices = 0;  // codes, which are index and sign in one, among them

  [[nodiscard]] std::size_t total() const { return values + indices; }
};

class SparsePart {
 public:
  SparsePart(const Partition& partition, std::uint32_t part, compressors::ElementValues values);

  // The most that write() takes for so many elements, in bytes.
  [[nodiscard]] std::size_t max_bytes(std::size_t elements) const;

  // Writes the elements, ascending and all of this part, to the front of `bytes`, at least max_bytes() long.
  //   elements  kSigns: of one finite magnitude
  PartBytes write(std::span<const compressors::Element> elements, std::span<std::byte> bytes) const;

  // Appends the elements to `elements`. Throws WireError if write() cannot have written `bytes`; what was
  // appended is then unspecified. Reads nothing past their end.
  void read(std::span<const std::byte> bytes, std::vector<compressors::Element>& elements) const;

 private:
  PartBytes write_floats(std::span<const compressors::Element> elements, std::span<std::byte> bytes) const;
  PartBytes write_signs(std::span<const compressors::Element> elements, std::span<std::byte> bytes) const;
  void read_floats(std::span<const std::byte> bytes, std::vector<compressors::Element>& elements) const;
  void read_signs(std::span<const std::byte> bytes, std::vector<compressors::Element>& elements) const;
  [[nodiscard]] std::uint32_t block_at(const compressors::Element& element) const;
  [[nodiscard]] std::uint32_t checked_element(std::size_t block, std::size_t lowest) const;

  Partition partition_;
  std::uint32_t part_;
  compressors::ElementValues values_;
  unsigned index_bits_;
};

}  // namespace sterna::exchange
