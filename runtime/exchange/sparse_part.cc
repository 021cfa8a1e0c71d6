#include "runtime/exchange/sparse_part.h"

#include <bit>
#include <cmath>
#include <limits>

#include "compressors/settings.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/wire/bits.h"

namespace sterna::exchange {
namespace {

using compressors::Element;
using compressors::ElementValues;

constexpr unsigned kFlagBits = 2;
constexpr std::uint32_t kNegative = 1;
constexpr std::uint32_t kLast = 2;

[[noreturn]] void fail(const std::string& what) {
  throw WireError(
      cat("[exchange] part of a layer: ", what, "; do all ranks run the same build and settings?"));
}

}  // namespace

SparsePart::SparsePart(const Partition& partition, std::uint32_t part, ElementValues values)
    : partition_(partition),
      part_(part),
      values_(values),
      index_bits_(compressors::index_bits(partition.blocks())) {}

std::size_t SparsePart::max_bytes(std::size_t elements) const {
  if (elements == 0) return 0;
  if (values_ == ElementValues::kFloats) {
    return wire::packed_bytes(elements, index_bits_) + elements * sizeof(float);
  }
  return sizeof(float) + wire::packed_bytes(elements, index_bits_ + kFlagBits);
}

PartBytes SparsePart::write(std::span<const Element> elements, std::span<std::byte> bytes) const {
  STERNA_CHECK(bytes.size() >= max_bytes(elements.size()));
  if (elements.empty()) return {};
  return values_ == ElementValues::kFloats ? write_floats(elements, bytes) : write_signs(elements, bytes);
}

void SparsePart::read(std::span<const std::byte> bytes, std::vector<Element>& elements) const {
  if (bytes.empty()) return;
  return values_ == ElementValues::kFloats ? read_floats(bytes, elements) : read_signs(bytes, elements);
}

PartBytes SparsePart::write_floats(std::span<const Element> elements, std::span<std::byte> bytes) const {
  const std::size_t values_at = wire::packed_bytes(elements.size(), index_bits_);
  wire::BitWriter writer(bytes.first(values_at));
  std::size_t offset = values_at;
  for (const Element& element : elements) {
    writer.append(block_at(element), index_bits_);
    store(bytes, offset, element.value);
    offset += sizeof(float);
  }
  STERNA_CHECK(writer.finish() == values_at);
  return {.values = offset - values_at, .indices = values_at};
}

PartBytes SparsePart::write_signs(std::span<const Element> elements, std::span<std::byte> bytes) const {
  const float scale = std::fabs(elements.front().value);
  store(bytes, 0, scale);
  wire::BitWriter writer(bytes.subspan(sizeof scale));
  for (const Element& element : elements) {
    STERNA_CHECK(std::fabs(element.value) == scale);
    writer.append(block_at(element), index_bits_);
    writer.append((std::signbit(element.value) ? kNegative : 0) | (&element == &elements.back() ? kLast : 0),
                  kFlagBits);
  }
  return {.values = sizeof scale, .indices = writer.finish()};
}

// Each element takes 4 bytes and more, padding less than one: no two counts have the same length.
void SparsePart::read_floats(std::span<const std::byte> bytes, std::vector<Element>& elements) const {
  const std::size_t count = bytes.size() * 8 / (32 + index_bits_);
  const std::size_t values_at = wire::packed_bytes(count, index_bits_);
  if (values_at + count * sizeof(float) != bytes.size()) {
    fail(cat(bytes.size(), " bytes: with indices of ", index_bits_,
             " bits no count of elements takes that many"));
  }
  wire::BitReader reader(bytes.first(values_at));
  std::size_t lowest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t block = reader.read(index_bits_);
    const auto value = load<float>(bytes, values_at + i * sizeof(float));
    if (value == 0.0f) fail(cat("the value at index ", block, " is 0, which is not sent"));
    elements.push_back({.index = checked_element(block, lowest), .value = value});
    lowest = block + 1;
  }
  reader.finish();
}

void SparsePart::read_signs(std::span<const std::byte> bytes, std::vector<Element>& elements) const {
  if (bytes.size() < sizeof(float)) fail(cat(bytes.size(), " bytes, expected at least 4 for the scale"));
  const auto scale = load<float>(bytes, 0);
  if (std::signbit(scale) || !(scale <= std::numeric_limits<float>::max())) {
    fail(cat("scale = ", scale, ", expected a finite one that is not negative"));
  }
  wire::BitReader reader(bytes.subspan(sizeof scale));
  std::size_t lowest = 0;
  for (std::uint32_t flags = 0; (flags & kLast) == 0;) {
    const std::size_t block = reader.read(index_bits_);
    flags = reader.read(kFlagBits);
    elements.push_back(
        {.index = checked_element(block, lowest), .value = (flags & kNegative) != 0 ? -scale : scale});
    lowest = block + 1;
  }
  reader.finish();
}

std::uint32_t SparsePart::block_at(const Element& element) const {
  STERNA_CHECK(partition_.part_of(element.index) == part_);
  return static_cast<std::uint32_t>(partition_.block_of(element.index));
}

// The element of `block`. Throws WireError if that is below `lowest` or the part has none there.
std::uint32_t SparsePart::checked_element(std::size_t block, std::size_t lowest) const {
  const std::size_t element = partition_.element_of(part_, block);
  if (block < lowest || element >= partition_.elements()) {
    fail(cat("index ", block, " in part ", part_, " of a layer of ", partition_.elements(),
             " elements, expected one from ", lowest, " on, below ", partition_.blocks()));
  }
  return static_cast<std::uint32_t>(element);
}

}  // namespace sterna::exchange
