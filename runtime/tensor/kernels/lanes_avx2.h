// Eight float32 lanes at a time, the last few of a run, and exp. Only for files compiled with -mavx2 -mfma.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <initializer_list>

namespace sterna::tensor::kernels {
namespace {

constexpr std::size_t kLanes = 8;

// All bits of the first `lanes` lanes, for 0 to 8 of them and more.
inline __m256i first_lanes(std::size_t lanes) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(lanes < kLanes ? lanes : kLanes)), index);
}

// The eight lanes at `at`, of which `left` are there; the others are 0 and are not stored.
inline __m256 load(const float* at, std::size_t left) {
  return left >= kLanes ? _mm256_loadu_ps(at) : _mm256_maskload_ps(at, first_lanes(left));
}
inline void store(float* at, std::size_t left, __m256 values) {
  if (left >= kLanes) {
    _mm256_storeu_ps(at, values);
  } else {
    _mm256_maskstore_ps(at, first_lanes(left), values);
  }
}

// `values` in the first `left` lanes, `others` in the rest.
inline __m256 select_first(std::size_t left, __m256 values, __m256 others) {
  return left >= kLanes ? values : _mm256_blendv_ps(others, values, _mm256_castsi256_ps(first_lanes(left)));
}

inline float sum_of_lanes(__m256 x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

inline float max_of_lanes(__m256 x) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

// exp(x) for x <= 88, off by less than 2^-22 of itself; 0 below -87, where the result would be denormal, and
// a NaN stays a NaN. x = n ln 2 + r with |r| <= 0.347: Taylor's series to r^7, whose rest is below 6e-9,
// times 2^n.
inline __m256 exp_of(__m256 x) {
  const __m256 is_tiny = _mm256_cmp_ps(x, _mm256_set1_ps(-87.0f), _CMP_LT_OQ);
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693145752f), x);  // ln 2 in 16 bits, and what is left
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(1.42860677e-6f), r);
  __m256 sum = _mm256_set1_ps(1.0f / 5040.0f);
  for (float coefficient : {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f}) {
    sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(coefficient));
  }
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  const __m256 scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), exponent));
  const __m256 is_nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
  return _mm256_blendv_ps(_mm256_andnot_ps(is_tiny, scaled), x, is_nan);
}

}  // namespace
}  // namespace sterna::tensor::kernels
