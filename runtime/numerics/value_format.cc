#include "runtime/numerics/value_format.h"

#include <cstring>

#include "runtime/core/errors.h"
#include "runtime/numerics/float16_kernels.h"

namespace sterna::numerics {
namespace {

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
