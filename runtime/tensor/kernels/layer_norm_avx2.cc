// A row is read from memory once: statistics and result come from the L1 cache.
#include <cmath>

#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/kernels/lanes_avx2.h"

namespace sterna::tensor::kernels {
namespace {

float sum_of(const float* in, std::size_t features) {
  __m256 sum = _mm256_setzero_ps();
  for (std::size_t i = 0; i < features; i += kLanes) sum = _mm256_add_ps(sum, load(in + i, features - i));
  return sum_of_lanes(sum);
}

float squares_of(const float* in, std::size_t features, __m256 mean) {
  __m256 squares = _mm256_setzero_ps();
  for (std::size_t i = 0; i < features; i += kLanes) {
    const __m256 deviation =
        select_first(features - i, _mm256_sub_ps(load(in + i, features - i), mean), _mm256_setzero_ps());
    squares = _mm256_fmadd_ps(deviation, deviation, squares);
  }
  return sum_of_lanes(squares);
}

}  // namespace

void normalise_avx2(const NormalisedRows& of, const float* shift, float epsilon, float* output) {
  const auto count = static_cast<float>(of.features);
  for (std::size_t row = 0; row < of.rows; ++row) {
    const float* in = of.input + row * of.features;
    float* out = output + row * of.features;
    of.means[row] = sum_of(in, of.features) / count;
    const __m256 mean = _mm256_set1_ps(of.means[row]);
    of.inverse_deviations[row] = 1.0f / std::sqrt(squares_of(in, of.features, mean) / count + epsilon);
    const __m256 inverse = _mm256_set1_ps(of.inverse_deviations[row]);
    for (std::size_t i = 0; i < of.features; i += kLanes) {
      const std::size_t left = of.features - i;
      const __m256 normal = _mm256_mul_ps(_mm256_sub_ps(load(in + i, left), mean), inverse);
      store(out + i, left, _mm256_fmadd_ps(normal, load(of.scale + i, left), load(shift + i, left)));
    }
  }
}

void normalise_backward_avx2(const NormalisedRows& of, float* gradient, float* scale_gradient,
                             float* shift_gradient) {
  const auto count = static_cast<float>(of.features);
  for (std::size_t row = 0; row < of.rows; ++row) {
    const float* in = of.input + row * of.features;
    float* out = gradient + row * of.features;
    const __m256 mean = _mm256_set1_ps(of.means[row]);
    const __m256 inverse = _mm256_set1_ps(of.inverse_deviations[row]);
    __m256 sum = _mm256_setzero_ps();
    __m256 product_sum = _mm256_setzero_ps();
    for (std::size_t i = 0; i < of.features; i += kLanes) {
      const std::size_t left = of.features - i;
      const __m256 normal = _mm256_mul_ps(_mm256_sub_ps(load(in + i, left), mean), inverse);
      const __m256 above = load(out + i, left);  // 0 behind the row's end
      store(scale_gradient + i, left, _mm256_fmadd_ps(above, normal, load(scale_gradient + i, left)));
      store(shift_gradient + i, left, _mm256_add_ps(above, load(shift_gradient + i, left)));
      const __m256 scaled = _mm256_mul_ps(above, load(of.scale + i, left));
      sum = _mm256_add_ps(sum, scaled);
      product_sum = _mm256_fmadd_ps(scaled, normal, product_sum);
    }
    const __m256 mean_of_gradient = _mm256_set1_ps(sum_of_lanes(sum) / count);
    const __m256 slope = _mm256_set1_ps(sum_of_lanes(product_sum) / count);
    for (std::size_t i = 0; i < of.features; i += kLanes) {
      const std::size_t left = of.features - i;
      const __m256 normal = _mm256_mul_ps(_mm256_sub_ps(load(in + i, left), mean), inverse);
      const __m256 scaled = _mm256_fmsub_ps(load(out + i, left), load(of.scale + i, left), mean_of_gradient);
      store(out + i, left, _mm256_mul_ps(inverse, _mm256_fnmadd_ps(normal, slope, scaled)));
    }
  }
}

}  // namespace sterna::tensor::kernels
