// The bulk conversions of float16, one set of loops for each instruction set; all sets give the same bits.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace sterna::numerics {

struct Float16Kernels {
  std::string_view name;
  // Both touch exactly `n` values; `bytes` need not be aligned.
  void (*pack)(const float* values, std::size_t n, std::byte* bytes);
  void (*unpack)(const std::byte* bytes, std::size_t n, float* values);
};

// Those that this processor can run, the plain reference first, the fastest last.
[[nodiscard]] std::vector<Float16Kernels> supported_float16_kernels();

// The fastest of them; chosen once.
[[nodiscard]] const Float16Kernels& fastest_float16_kernels();

// F16C's, or nullptr where this build has none or the processor cannot run them.
[[nodiscard]] const Float16Kernels* f16c_kernels();

}  // namespace sterna::numerics
