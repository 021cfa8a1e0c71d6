// What the methods check of their settings and arguments, and derive from them.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "compressors/compressor.h"

namespace sterna::compressors {

inline constexpr double kMaxRate = 65536.0;
inline constexpr std::size_t kMaxBinElements = 16384;  // 2^14: what adacomp's codes of 2 bytes can index

// Throws ConfigError unless options.rate is in [1, kMaxRate].
void check_rate(std::string_view method, const Options& options);

// Throws ConfigError unless an element's index, and a count of elements, fit 32 bits.
void check_indexable(std::string_view method, const LayerShape& shape);

// L_T: how long a layer's bins are. Throws ConfigError unless that is in [1, kMaxBinElements].
[[nodiscard]] std::size_t bin_elements(std::string_view method, const LayerShape& shape,
                                       const Options& options);

// ceil(elements / rate)
[[nodiscard]] std::size_t kept_elements(std::size_t elements, double rate);

// ceil(log2 elements): how wide an index below `elements` is.
[[nodiscard]] unsigned index_bits(std::size_t elements);

// STERNA_CHECKs what encode() is handed: gradient and residue [elements], payload at least `payload_bytes`
// long.
void check_arguments(std::size_t elements, std::span<const float> gradient, std::span<const float> residue,
                     std::size_t payload_bytes, std::span<const std::byte> payload);

// residue[i] += gradient[i]
void add_to(std::span<float> residue, std::span<const float> gradient);

}  // namespace sterna::compressors
