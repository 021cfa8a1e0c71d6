#include "compressors/top_magnitudes.h"

#include <array>
#include <bit>

#include "compressors/settings.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

std::uint32_t magnitude_bits(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7fffffff;
}

// The 31 bits of a magnitude, highest digit first.
struct Digit {
  unsigned shift;
  unsigned width;
};
constexpr Digit kDigits[] = {{20, 11}, {10, 10}, {0, 10}};

using Histogram = std::array<std::size_t, 1 << 11>;

// Counts the digit's values among the elements whose higher digits are `prefix`.
Histogram count_digit(std::span<const float> gradient, std::span<const float> residue, Digit digit,
                      std::uint32_t prefix) {
  Histogram counts{};
  const std::uint32_t mask = (1u << digit.width) - 1;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const std::uint32_t bits = magnitude_bits(residue[i] + gradient[i]);
    if (bits >> (digit.shift + digit.width) == prefix) ++counts[bits >> digit.shift & mask];
  }
  return counts;
}

}  // namespace

TopMagnitudes find_top_magnitudes(std::span<const float> gradient, std::span<const float> residue,
                                  std::size_t k) {
  if (k == 0) return {};
  std::uint32_t prefix = 0;
  std::size_t wanted = k;  // among the elements with this prefix; at least 1
  for (const Digit digit : kDigits) {
    const Histogram counts = count_digit(gradient, residue, digit, prefix);
    std::uint32_t value = (1u << digit.width) - 1;
    while (counts[value] < wanted) wanted -= counts[value--];
    prefix = prefix << digit.width | value;
  }
  if (prefix == 0) return {.threshold_bits = 0, .ties_sent = 0, .count = k - wanted};
  return {.threshold_bits = prefix, .ties_sent = wanted, .count = k};
}

std::size_t send_top_magnitudes(const TopMagnitudes& top, std::span<const float> gradient,
                                std::span<float> residue, float beta, unsigned index_bits,
                                std::span<std::byte> indices, std::span<std::byte> values) {
  wire::BitWriter writer(indices);
  std::size_t ties_left = top.ties_sent;
  std::size_t sent = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const float before = residue[i];
    const float sum = before + gradient[i];
    residue[i] = before + beta * gradient[i];
    const std::uint32_t bits = magnitude_bits(sum);
    if (bits < top.threshold_bits || bits == 0) continue;
    if (bits == top.threshold_bits && ties_left-- == 0) {
      ties_left = 0;
      continue;
    }
    residue[i] = before - beta * before;
    writer.append(static_cast<std::uint32_t>(i), index_bits);
    store(values, sizeof(float) * sent++, sum);
  }
  STERNA_CHECK(sent == top.count);
  return writer.finish();
}

AscendingIndices::AscendingIndices(std::span<const std::byte> indices, std::size_t count,
                                   std::size_t elements)
    : reader_(indices), left_(count), elements_(elements), index_bits_(index_bits(elements)) {}

std::optional<std::size_t> AscendingIndices::next() {
  if (left_ == 0) {
    reader_.finish();
    return std::nullopt;
  }
  --left_;
  const std::size_t index = reader_.read(index_bits_);
  if (index < lowest_ || index >= elements_) {
    throw WireError(cat("[compressors] index ", index, " of a layer of ", elements_,
                        " elements: expected one from ", lowest_, " on, below ", elements_));
  }
  lowest_ = index + 1;
  return index;
}

}  // namespace sterna::compressors
