// The number formats in which values travel, and their conversion to and from float32.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/numerics/float16.h"

namespace sterna::numerics {

enum class ValueFormat { kFloat32, kFloat16, kBfloat16 };

[[nodiscard]] constexpr std::size_t bytes_per_value(ValueFormat format) {
  return format == ValueFormat::kFloat32 ? 4 : 2;
}

// Writes values [n] one after the other, little-endian; bytes is n * bytes_per_value(format) long.
void pack_values(std::span<const float> values, ValueFormat format, std::span<std::byte> bytes);

// The reverse, exact.
void unpack_values(std::span<const std::byte> bytes, ValueFormat format, std::span<float> values);

}  // namespace sterna::numerics
