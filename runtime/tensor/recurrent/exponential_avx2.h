// Eight float32 exponentials, logistic functions and hyperbolic tangents at a time. Only for files that are
// compiled with -mavx2 -mfma.
#pragma once

#include <immintrin.h>

namespace sterna::tensor::recurrent {
namespace {

// exp(x) - 1 for x in [-87, 88]; relative error below 3 * 2^-24.
//
// With n = round(x / ln 2) and r = x - n ln 2 in +-0.35: exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1). The
// Taylor series of exp(r) - 1 up to r^7 leaves out less than 0.35^8 / 8! < 2^-27.3; for n = 0, r = x without
// rounding and the relative error stays small however small x is.
inline __m256 exponential_less_one(__m256 x) {
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts, together good to 2^-50.
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62e430p-1f), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-0x1.05c610p-29f), r);
  __m256 series = _mm256_set1_ps(1.0f / 5040);
  constexpr float kCoefficients[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2};
  for (const float coefficient : kCoefficients) {
    series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(coefficient));
  }
  const __m256 less_one = _mm256_fmadd_ps(_mm256_mul_ps(r, r), series, r);
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  const __m256 power = _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  return _mm256_fmadd_ps(power, less_one, _mm256_sub_ps(power, _mm256_set1_ps(1.0f)));
}

// The operand that may be a NaN comes second, where minimum and maximum keep it.
inline __m256 clamped(__m256 x, float least, float most) {
  return _mm256_max_ps(_mm256_set1_ps(least), _mm256_min_ps(_mm256_set1_ps(most), x));
}

inline __m256 sigmoid(__m256 x) {
  const __m256 negated = _mm256_sub_ps(_mm256_setzero_ps(), x);
  const __m256 exponential = exponential_less_one(clamped(negated, -87.0f, 87.0f));
  return _mm256_div_ps(_mm256_set1_ps(1.0f), _mm256_add_ps(_mm256_set1_ps(2.0f), exponential));
}

// With e = exp(-2 |x|) - 1: tanh(|x|) = -e / (2 + e).
inline __m256 tanh(__m256 x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 twice = _mm256_mul_ps(_mm256_set1_ps(-2.0f), _mm256_andnot_ps(sign, x));
  const __m256 e = exponential_less_one(_mm256_max_ps(_mm256_set1_ps(-87.0f), twice));
  const __m256 magnitude = _mm256_div_ps(e, _mm256_add_ps(_mm256_set1_ps(2.0f), e));
  // e is not positive: its sign gives way to that of x.
  return _mm256_or_ps(_mm256_andnot_ps(sign, magnitude), _mm256_and_ps(sign, x));
}

}  // namespace
}  // namespace sterna::tensor::recurrent
