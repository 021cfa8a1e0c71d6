// Sixteen float32 lanes at a time, and the last few of a run. Only for files that are compiled with AVX-512.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace sterna::compressors::kernels {
namespace {

constexpr std::size_t kLanes = 16;

// The first `elements` lanes, all sixteen where there are as many.
inline __mmask16 first_lanes(std::size_t elements) {
  return static_cast<__mmask16>(elements >= kLanes ? 0xffffu : (1u << elements) - 1);
}

// In pieces that end where the run ends: the next run's first load, if it overlapped the lanes that a masked
// store leaves out, would wait for it.
inline void store_first(float* at, __m512 values, std::size_t elements) {
  if (elements >= kLanes) {
    _mm512_storeu_ps(at, values);
    return;
  }
  __m256 eight = _mm512_castps512_ps256(values);
  if ((elements & 8) != 0) {
    _mm256_storeu_ps(at, eight);
    eight = _mm512_extractf32x8_ps(values, 1);
    at += 8;
  }
  __m128 four = _mm256_castps256_ps128(eight);
  if ((elements & 4) != 0) {
    _mm_storeu_ps(at, four);
    four = _mm256_extractf128_ps(eight, 1);
    at += 4;
  }
  if ((elements & 2) != 0) {
    _mm_storel_pi(reinterpret_cast<__m64*>(at), four);
    four = _mm_movehl_ps(four, four);
    at += 2;
  }
  if ((elements & 1) != 0) _mm_store_ss(at, four);
}

}  // namespace
}  // namespace sterna::compressors::kernels
