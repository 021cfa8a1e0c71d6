// The loops that see every element of a gradient, one set for each instruction set.
//
// x.cc is the plain reference; x_avx2.cc and x_avx512.cc give the same bytes: each element goes through the
// same roundings in the same order, maxima are exact, and ties are broken by the index. No kernel selects a
// NaN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sterna::compressors::kernels {

// How adacomp writes one sent element: its index in the bin, a sign and the mark of the bin's last, from bit
// 0 up.
template <typename Code>
inline constexpr unsigned kIndexBits = sizeof(Code) * 8 - 2;
template <typename Code>
inline constexpr Code kNegative = Code{1} << kIndexBits<Code>;
template <typename Code>
inline constexpr Code kLastOfBin = static_cast<Code>(Code{1} << (kIndexBits<Code> + 1));

struct PackedBins {
  std::size_t codes = 0;       // elements sent
  std::size_t bins_sent = 0;   // bins with at least one code
  double sum_of_maxima = 0.0;  // of |residue + gradient|, over all bins in order
};

// One layer's pass of AdaComp over `elements` values, cut into bins of `bin_elements`, the last one maybe
// shorter: residue += gradient; where |residue + gradient| (after the addition) reaches the bin's max
// |residue| > 0, a code.
//   bin_elements  1 to 2^kIndexBits
//   codes   room for `elements` codes, need not be aligned; whatever lies behind those written is unspecified
//   bitmap  ceil(bins / 8) bytes: bit b, from bit 0 of byte 0 up, says whether bin b has a code; padding 0
using PackBins = PackedBins (*)(const float* gradient, float* residue, std::size_t elements,
                                std::size_t bin_elements, std::byte* codes, std::byte* bitmap);

// One layer's pass of ScaleCom over `elements` values, cut into chunks of `chunk_elements`, the last one
// maybe shorter. Of each chunk the first element with the largest |residue + gradient| > 0 is sent:
//   offsets[c]  its offset in the chunk, or chunk_elements where there is none
//   values[c]   its residue + gradient, or 0
//   residue     += beta * gradient, in two roundings; of the sent element: -= beta * residue
using SelectInChunks = void (*)(const float* gradient, float* residue, std::size_t elements,
                                std::size_t chunk_elements, float beta, std::uint32_t* offsets,
                                float* values);

struct Kernels {
  std::string_view name;
  PackBins pack_bins_8 = nullptr;   // codes of 1 byte
  PackBins pack_bins_16 = nullptr;  // codes of 2 bytes
  SelectInChunks select_in_chunks = nullptr;
};

// Those that this processor can run, the plain reference first, the fastest last.
[[nodiscard]] std::vector<Kernels> supported_kernels();

// Appends those that use this processor's vector instructions, the fastest last. x86.cc or no_x86.cc.
void append_vector_kernels(std::vector<Kernels>& kernels);

// The fastest of supported_kernels(); chosen once.
[[nodiscard]] const Kernels& fastest_kernels();

PackedBins pack_bins_8_plain(const float*, float*, std::size_t, std::size_t, std::byte*, std::byte*);
PackedBins pack_bins_16_plain(const float*, float*, std::size_t, std::size_t, std::byte*, std::byte*);
void select_in_chunks_plain(const float*, float*, std::size_t, std::size_t, float, std::uint32_t*, float*);

// To be called only where has_avx2() of runtime/core/processor.h is true.
PackedBins pack_bins_8_avx2(const float*, float*, std::size_t, std::size_t, std::byte*, std::byte*);
PackedBins pack_bins_16_avx2(const float*, float*, std::size_t, std::size_t, std::byte*, std::byte*);
void select_in_chunks_avx2(const float*, float*, std::size_t, std::size_t, float, std::uint32_t*, float*);

// To be called only where has_avx512() is true.
PackedBins pack_bins_8_avx512(const float*, float*, std::size_t, std::size_t, std::byte*, std::byte*);
PackedBins pack_bins_16_avx512(const float*, float*, std::size_t, std::size_t, std::byte*, std::byte*);
void select_in_chunks_avx512(const float*, float*, std::size_t, std::size_t, float, std::uint32_t*, float*);

}  // namespace sterna::compressors::kernels
