#include <cmath>
#include <limits>

#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/kernels/lanes_avx2.h"

namespace sterna::tensor::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

__m256 scaled_scores(const ScoreRow& row, const float* scores, std::size_t k) {
  const std::size_t left = row.keys - k;
  const __m256 scaled = _mm256_mul_ps(load(scores + k, left), _mm256_set1_ps(row.scale));
  return row.mask == nullptr ? scaled : _mm256_add_ps(scaled, load(row.mask + k, left));
}

void clear(const ScoreRow& row, float* scores) {
  for (std::size_t k = row.keys; k < row.columns; ++k) scores[k] = 0.0f;
}

}  // namespace

float softmax_avx2(const ScoreRow& row, float* scores) {
  const __m256 none = _mm256_set1_ps(-kInfinity);
  __m256 maxima = none;
  for (std::size_t k = 0; k < row.keys; k += kLanes) {
    // Second operand of max: the scores, so that a NaN gets through to the exponentials in any case.
    maxima = _mm256_max_ps(maxima, select_first(row.keys - k, scaled_scores(row, scores, k), none));
  }
  const float largest = max_of_lanes(maxima);
  clear(row, scores);
  if (largest == -kInfinity) {
    for (std::size_t k = 0; k < row.keys; ++k) scores[k] = 0.0f;
    return kInfinity;
  }
  __m256 sums = _mm256_setzero_ps();
  for (std::size_t k = 0; k < row.keys; k += kLanes) {
    const std::size_t left = row.keys - k;
    const __m256 shifted = _mm256_sub_ps(scaled_scores(row, scores, k), _mm256_set1_ps(largest));
    const __m256 exponentials = exp_of(shifted);
    sums = _mm256_add_ps(sums, select_first(left, exponentials, _mm256_setzero_ps()));
    store(scores + k, left, exponentials);
  }
  const float sum = sum_of_lanes(sums);
  const __m256 factor = _mm256_set1_ps(1.0f / sum);
  for (std::size_t k = 0; k < row.keys; k += kLanes) {
    const std::size_t left = row.keys - k;
    store(scores + k, left, _mm256_mul_ps(load(scores + k, left), factor));
  }
  return largest + std::log(sum);
}

void softmax_again_avx2(const ScoreRow& row, float log_sum, float* scores) {
  const __m256 shift = _mm256_set1_ps(log_sum);
  for (std::size_t k = 0; k < row.keys; k += kLanes) {
    store(scores + k, row.keys - k, exp_of(_mm256_sub_ps(scaled_scores(row, scores, k), shift)));
  }
  clear(row, scores);
}

void softmax_backward_avx2(const float* probabilities, float scale, std::size_t columns, float* gradients) {
  __m256 sums = _mm256_setzero_ps();
  for (std::size_t k = 0; k < columns; k += kLanes) {
    const std::size_t left = columns - k;
    sums = _mm256_fmadd_ps(load(probabilities + k, left), load(gradients + k, left), sums);
  }
  const __m256 sum = _mm256_set1_ps(sum_of_lanes(sums));
  const __m256 factor = _mm256_set1_ps(scale);
  for (std::size_t k = 0; k < columns; k += kLanes) {
    const std::size_t left = columns - k;
    const __m256 scaled = _mm256_mul_ps(load(probabilities + k, left), factor);
    store(gradients + k, left, _mm256_mul_ps(scaled, _mm256_sub_ps(load(gradients + k, left), sum)));
  }
}

void shifted_exponentials_avx2(const float* input, float shift, std::size_t elements, float* output) {
  const __m256 shifts = _mm256_set1_ps(shift);
  for (std::size_t i = 0; i < elements; i += kLanes) {
    const std::size_t left = elements - i;
    store(output + i, left, exp_of(_mm256_sub_ps(load(input + i, left), shifts)));
  }
}

}  // namespace sterna::tensor::kernels
