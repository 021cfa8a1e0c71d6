#include "runtime/core/rng.h"

#include <cmath>
#include <numbers>

namespace sterna {
namespace {

// The four words that hold element `index` of a stream.
std::array<std::uint32_t, 4> block_of(const RandomKey& key, std::uint64_t index) noexcept {
  const RandomBlock block = random_block(key, index);
  return philox(block.counter, block.key);
}

}  // namespace

std::uint32_t random_bits(const RandomKey& key, std::uint64_t index) noexcept {
  return block_of(key, index)[index % 4];
}

float random_uniform(const RandomKey& key, std::uint64_t index) noexcept {
  return static_cast<float>(random_bits(key, index) >> 8) * 0x1p-24f;
}

float random_normal(const RandomKey& key, std::uint64_t index) noexcept {
  // Two words of a block make one value; a second one, by the sine of the angle, is left unused.
  const auto words = block_of(key, 2 * index);
  const std::size_t at = (2 * index) % 4;
  const double radius_bits = (static_cast<double>(words[at]) + 0.5) * 0x1p-32;  // in (0, 1)
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(words[at + 1]) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(radius_bits)) * std::cos(angle));
}

std::uint32_t random_below(const RandomKey& key, std::uint64_t index, std::uint32_t bound) noexcept {
  const auto words = block_of(key, 2 * index);
  const std::size_t at = (2 * index) % 4;
  const std::uint64_t bits = (std::uint64_t{words[at]} << 32) | words[at + 1];
  // Multiply-shift: the high word of bits * bound, without a 128-bit type.
  const std::uint64_t low = (bits & 0xFFFFFFFFu) * bound;
  const std::uint64_t high = (bits >> 32) * bound;
  return static_cast<std::uint32_t>((high + (low >> 32)) >> 32);
}

}  // namespace sterna
