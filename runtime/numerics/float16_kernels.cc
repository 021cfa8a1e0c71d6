#include "runtime/numerics/float16_kernels.h"

#include <cstdint>
#include <cstring>

#include "runtime/numerics/value_format.h"

namespace sterna::numerics {
namespace {

void pack_plain(const float* values, std::size_t n, std::byte* bytes) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t bits = float16_from_float32(values[i]);
    std::memcpy(bytes + i * sizeof bits, &bits, sizeof bits);
  }
}

void unpack_plain(const std::byte* bytes, std::size_t n, float* values) {
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes + i * sizeof bits, sizeof bits);
    values[i] = float32_from_float16(bits);
  }
}

}  // namespace

std::vector<Float16Kernels> supported_float16_kernels() {
  std::vector<Float16Kernels> kernels = {{"plain", pack_plain, unpack_plain}};
  if (const Float16Kernels* f16c = f16c_kernels()) kernels.push_back(*f16c);
  return kernels;
}

const Float16Kernels& fastest_float16_kernels() {
  static const Float16Kernels fastest = supported_float16_kernels().back();
  return fastest;
}

}  // namespace sterna::numerics
