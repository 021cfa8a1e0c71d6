// Loops over activations that are bound by arithmetic or by memory, one set for each instruction set.
//
// x.cc is the plain reference, x_avx2.cc the vector version. Drawing and applying dropout give equal bits in
// both; the others agree within the roundings that each declaration states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/core/rng.h"

namespace sterna::tensor::kernels {

// Writes one bit for each of `elements` elements, bit i % 32 of word i / 32: 1 where random_bits(key, i) is
// not below `drop_below`. Unused bits of the last word are unspecified.
using DrawKeepBits = void (*)(const RandomKey& key, std::uint32_t drop_below, std::size_t elements,
                              std::uint32_t* bits);

// output[i] = input[i] * scale where bit i is 1, else 0. Both may be the same memory.
using Keep = void (*)(const float* input, const std::uint32_t* bits, float scale, std::size_t elements,
                      float* output);

struct Kernels {
  std::string_view name;
  DrawKeepBits draw_keep_bits = nullptr;
  Keep keep = nullptr;
};

// Those that this processor can run, the plain reference first, the fastest last.
[[nodiscard]] std::vector<Kernels> supported_kernels();

// The fastest of them; chosen once.
[[nodiscard]] const Kernels& fastest_kernels();

void draw_keep_bits_plain(const RandomKey&, std::uint32_t, std::size_t, std::uint32_t*);
void keep_plain(const float*, const std::uint32_t*, float, std::size_t, float*);

// False where the build has no AVX2 kernels or the processor cannot run them (it needs FMA too).
[[nodiscard]] bool has_avx2();
// What has_avx2() stands for; to be called only where it is true.
[[nodiscard]] Kernels avx2_kernels();

void draw_keep_bits_avx2(const RandomKey&, std::uint32_t, std::size_t, std::uint32_t*);
void keep_avx2(const float*, const std::uint32_t*, float, std::size_t, float*);

}  // namespace sterna::tensor::kernels
