// Eight float32 lanes at a time, and the last few of a run. Only for files that are compiled with -mavx2.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace sterna::compressors::kernels {
namespace {

constexpr std::size_t kLanes = 8;

inline __m256 magnitude_of(__m256 x) {
  return _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff)));
}

// All bits of the first `lanes` lanes, for 0 to 8 of them.
inline __m256i first_lanes(std::size_t lanes) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(lanes)), index);
}

// A run's last elements, fewer than eight.
struct Tail {
  std::size_t lanes;
  bool has_eight;  // whether eight elements are readable
  __m256i mask;

  Tail(std::size_t lanes_of_run, std::size_t elements_left)
      : lanes(lanes_of_run), has_eight(elements_left >= kLanes), mask(first_lanes(lanes_of_run)) {}

  // The lanes beyond the tail are 0.
  __m256 load(const float* at) const {
    return has_eight ? _mm256_and_ps(_mm256_loadu_ps(at), _mm256_castsi256_ps(mask))
                     : _mm256_maskload_ps(at, mask);
  }

  // In pieces that end where the tail ends: the next run's first load, if it overlapped a store still under
  // way, would wait for it; and a masked store takes several times as long.
  void store(float* at, __m256 values) const {
    __m128 rest = _mm256_castps256_ps128(values);
    if ((lanes & 4) != 0) {
      _mm_storeu_ps(at, rest);
      rest = _mm256_extractf128_ps(values, 1);
      at += 4;
    }
    if ((lanes & 2) != 0) {
      _mm_storel_pi(reinterpret_cast<__m64*>(at), rest);
      rest = _mm_movehl_ps(rest, rest);
      at += 2;
    }
    if ((lanes & 1) != 0) _mm_store_ss(at, rest);
  }
};

// The largest lane, in all lanes.
inline __m256 max_of_lanes(__m256 x) {
  x = _mm256_max_ps(x, _mm256_permute2f128_ps(x, x, 1));
  x = _mm256_max_ps(x, _mm256_permute_ps(x, 0x4e));
  return _mm256_max_ps(x, _mm256_permute_ps(x, 0xb1));
}

}  // namespace
}  // namespace sterna::compressors::kernels
