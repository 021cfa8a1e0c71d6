// Single values to and from the 16-bit formats. In a header, and constexpr, so that kernels for a GPU round
// with the same code.
#pragma once

#include <bit>
#include <cstdint>

namespace sterna::numerics {
namespace detail {

inline constexpr std::uint32_t kMagnitude32 = 0x7fffffff;
inline constexpr std::uint32_t kInfinity32 = 0x7f800000;
inline constexpr std::uint32_t kQuietBit32 = 0x00400000;

}  // namespace detail

// Rounds to nearest, ties to even; overflow to infinity; NaN stays NaN. Bit pattern: 1 sign, 5 exponent, 10
// fraction.
[[nodiscard]] constexpr std::uint16_t float16_from_float32(float value) noexcept {
  constexpr std::uint32_t kFirstInfinite =
      0x477ff000;  // 65520: halfway from the largest, 65504, to 65536; ties to even
  constexpr std::uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  constexpr std::uint32_t kBias = 0x38000000;            // (127 - 15) << 23
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  const std::uint32_t magnitude = bits & detail::kMagnitude32;
  std::uint32_t half = 0;
  if (magnitude > detail::kInfinity32) {
    half = 0x7e00 | ((magnitude >> 13) & 0x3ff);
  } else if (magnitude >= kFirstInfinite) {
    half = 0x7c00;
  } else if (magnitude >= kSmallestNormal) {
    half = (magnitude - kBias + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  } else {
    // The last fraction bit of 0.5 weighs 2^-24, a subnormal float16's unit: the addition rounds for us.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
           std::bit_cast<std::uint32_t>(0.5f);
  }
  return static_cast<std::uint16_t>(sign | half);
}

// Exact.
[[nodiscard]] constexpr float float32_from_float16(std::uint16_t bits) noexcept {
  constexpr std::uint32_t kBias = 0x38000000;
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = bits & 0x7c00u;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x7c00) {
    return std::bit_cast<float>(sign | detail::kInfinity32 | (fraction << 13) |
                                (fraction != 0 ? detail::kQuietBit32 : 0));
  }
  if (exponent == 0) {
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
  }
  return std::bit_cast<float>(sign | (((exponent | fraction) << 13) + kBias));
}

// Rounds to nearest, ties to even; overflow to infinity; NaN stays NaN. Bit pattern: 1 sign, 8 exponent, 7
// fraction.
[[nodiscard]] constexpr std::uint16_t bfloat16_from_float32(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  // Selected without a branch, so that the bulk loop becomes vector code.
  const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const std::uint32_t quieted = (bits | detail::kQuietBit32) >> 16;
  return static_cast<std::uint16_t>((bits & detail::kMagnitude32) > detail::kInfinity32 ? quieted : rounded);
}

// Exact.
[[nodiscard]] constexpr float float32_from_bfloat16(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

}  // namespace sterna::numerics
