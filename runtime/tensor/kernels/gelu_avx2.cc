// The distribution function by formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions:
// erfc(z) = (a1 t + a2 t^2 + ... + a5 t^5) exp(-z^2) with t = 1 / (1 + 0.3275911 z), z >= 0. Its exponential
// is, but for a factor, the density that the derivative needs.
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/kernels/lanes_avx2.h"

namespace sterna::tensor::kernels {
namespace {

struct Activated {
  __m256 output, derivative;
};

Activated gelu_of(__m256 x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 one = _mm256_set1_ps(1.0f);
  const __m256 magnitude = _mm256_andnot_ps(sign, x);
  const __m256 exponential = exp_of(_mm256_mul_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(-0.5f)));
  // 0.3275911 / sqrt(2): z is |x| / sqrt(2).
  const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(magnitude, _mm256_set1_ps(0.23164189f), one));
  __m256 sum = _mm256_set1_ps(1.061405429f);
  for (float coefficient : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f}) {
    sum = _mm256_fmadd_ps(sum, t, _mm256_set1_ps(coefficient));
  }
  const __m256 half = _mm256_mul_ps(_mm256_mul_ps(sum, t), _mm256_set1_ps(0.5f));
  const __m256 tail = _mm256_mul_ps(half, exponential);  // the distribution function at -|x|
  const __m256 below = _mm256_blendv_ps(_mm256_sub_ps(one, tail), tail, x);  // by the sign of x
  const __m256 density = _mm256_mul_ps(exponential, _mm256_set1_ps(0.39894228f));
  return {_mm256_mul_ps(x, below), _mm256_fmadd_ps(x, density, below)};
}

}  // namespace

void gelu_avx2(const float* bias, std::size_t row_count, std::size_t features, float* rows, float* output) {
  for (std::size_t row = 0; row < row_count; ++row) {
    float* in = rows + row * features;
    float* out = output + row * features;
    for (std::size_t i = 0; i < features; i += kLanes) {
      const std::size_t left = features - i;
      __m256 x = load(in + i, left);
      if (bias != nullptr) x = _mm256_add_ps(x, load(bias + i, left));
      const Activated activated = gelu_of(x);
      store(in + i, left, activated.derivative);
      store(out + i, left, activated.output);
    }
  }
}

}  // namespace sterna::tensor::kernels
