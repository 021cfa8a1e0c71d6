#include "runtime/numerics/value_format.h"

#include <bit>
#include <cstring>

#include "runtime/core/errors.h"
#include "runtime/numerics/float16_kernels.h"

namespace sterna::numerics {
namespace {

constexpr std::uint32_t kMagnitude32 = 0x7fffffff;
constexpr std::uint32_t kInfinity32 = 0x7f800000;
constexpr std::uint32_t kQuietBit32 = 0x00400000;

void pack_bfloat16(std::span<const float> values, std::byte* bytes) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = bfloat16_from_float32(values[i]);
    std::memcpy(bytes + i * sizeof bits, &bits, sizeof bits);
  }
}

void unpack_bfloat16(const std::byte* bytes, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
    values[i] = float32_from_bfloat16(bits);
  }
}

}  // namespace

std::uint16_t float16_from_float32(float value) noexcept {
  constexpr std::uint32_t kFirstInfinite =
      0x477ff000;  // 65520: halfway from the largest, 65504, to 65536; ties to even
  constexpr std::uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  constexpr std::uint32_t kBias = 0x38000000;            // (127 - 15) << 23
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  const std::uint32_t magnitude = bits & kMagnitude32;
  std::uint32_t half = 0;
  if (magnitude > kInfinity32) {
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

float float32_from_float16(std::uint16_t bits) noexcept {
  constexpr std::uint32_t kBias = 0x38000000;
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = bits & 0x7c00u;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x7c00) {
    return std::bit_cast<float>(sign | kInfinity32 | (fraction << 13) | (fraction != 0 ? kQuietBit32 : 0));
  }
  if (exponent == 0) {
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
  }
  return std::bit_cast<float>(sign | (((exponent | fraction) << 13) + kBias));
}

std::uint16_t bfloat16_from_float32(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  // Selected without a branch, so that the bulk loop becomes vector code.
  const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const std::uint32_t quieted = (bits | kQuietBit32) >> 16;
  return static_cast<std::uint16_t>((bits & kMagnitude32) > kInfinity32 ? quieted : rounded);
}

float float32_from_bfloat16(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

void pack_values(std::span<const float> values, ValueFormat format, std::span<std::byte> bytes) {
  STERNA_CHECK(bytes.size() == (values.size() * bytes_per_value(format)));
  if (values.empty()) return;
  switch (format) {
    case ValueFormat::kFloat32:
      std::memcpy(bytes.data(), values.data(), bytes.size());
      break;
    case ValueFormat::kFloat16:
      fastest_float16_kernels().pack(values.data(), values.size(), bytes.data());
      break;
    case ValueFormat::kBfloat16:
      pack_bfloat16(values, bytes.data());
      break;
  }
}

void unpack_values(std::span<const std::byte> bytes, ValueFormat format, std::span<float> values) {
  STERNA_CHECK(bytes.size() == (values.size() * bytes_per_value(format)));
  if (values.empty()) return;
  switch (format) {
    case ValueFormat::kFloat32:
      std::memcpy(values.data(), bytes.data(), bytes.size());
      break;
    case ValueFormat::kFloat16:
      fastest_float16_kernels().unpack(bytes.data(), values.size(), values.data());
      break;
    case ValueFormat::kBfloat16:
      unpack_bfloat16(bytes.data(), values);
      break;
  }
}

}  // namespace sterna::numerics
