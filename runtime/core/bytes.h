// Little-endian numbers in byte strings. Every format of the project is little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace sterna {

static_assert(std::endian::native == std::endian::little,
              "payloads are copied as they lie in memory; a big-endian machine needs swaps here");

// Returns the value at `offset`; the caller has checked that it lies within `bytes`.
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] T load(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Writes `value` at `offset`; the caller has checked that it fits.
template <typename T>
requires std::is_trivially_copyable_v<T>
void store(std::span<std::byte> bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

}  // namespace sterna
