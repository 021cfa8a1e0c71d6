// Numbers of the formula that tests/golden/torch_parity.py has too, so that neither side stores them.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/tensor/parameter_table.h"

namespace sterna::models {

inline constexpr std::uint32_t kParameterStream = 2000;

// A multiple of 2^-23 in [-1, 1).
inline double golden_uniform(std::uint32_t stream, std::size_t index) {
  auto x = static_cast<std::uint32_t>(index) * 2654435761u + stream * 40503u + 12345u;
  for (int round = 0; round < 2; ++round) x = (x ^ x >> 16) * 0x45D9F3Bu;
  x ^= x >> 16;
  return std::ldexp(static_cast<double>(x >> 8), -23) - 1.0;
}

// An integer in [0, bound).
inline std::int32_t golden_integer(std::uint32_t stream, std::size_t index, std::size_t bound) {
  return static_cast<std::int32_t>((golden_uniform(stream, index) + 1.0) / 2.0 * static_cast<double>(bound));
}

// Weights by their fan-in, as that of the last weight for its bias; scales of normalisation around 1.
inline void fill_golden_values(const tensor::ParameterTable& table, std::span<float> values) {
  double fan_in = 1.0;
  for (std::size_t p = 0; p < table.size(); ++p) {
    if (table[p].shape.size() > 1) fan_in = static_cast<double>(table[p].elements / table[p].shape[0]);
    const bool is_scale = table[p].shape.size() == 1 && table[p].name.ends_with("weight");
    const std::span<float> slice = table.slice(values, p);
    for (std::size_t i = 0; i < slice.size(); ++i) {
      const double u = golden_uniform(kParameterStream + static_cast<std::uint32_t>(p), i);
      slice[i] = static_cast<float>(is_scale ? 1.0 + u / 2.0 : u / std::sqrt(fan_in));
    }
  }
}

}  // namespace sterna::models
