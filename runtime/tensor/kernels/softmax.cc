#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

float softmax_plain(const ScoreRow& row, float* scores) {
  float largest = -kInfinity;
  for (std::size_t k = 0; k < row.keys; ++k) {
    scores[k] = scores[k] * row.scale + (row.mask == nullptr ? 0.0f : row.mask[k]);
    largest = std::max(largest, scores[k]);
  }
  const bool has_key = largest != -kInfinity;
  float sum = 0.0f;
  for (std::size_t k = 0; k < row.keys; ++k) {
    scores[k] = has_key ? std::exp(scores[k] - largest) : 0.0f;
    sum += scores[k];
  }
  const float factor = has_key ? 1.0f / sum : 0.0f;
  for (std::size_t k = 0; k < row.keys; ++k) scores[k] *= factor;
  std::fill(scores + row.keys, scores + row.columns, 0.0f);
  return has_key ? largest + std::log(sum) : kInfinity;
}

void softmax_again_plain(const ScoreRow& row, float log_sum, float* scores) {
  for (std::size_t k = 0; k < row.keys; ++k) {
    scores[k] = std::exp(scores[k] * row.scale + (row.mask == nullptr ? 0.0f : row.mask[k]) - log_sum);
  }
  std::fill(scores + row.keys, scores + row.columns, 0.0f);
}

void softmax_backward_plain(const float* probabilities, float scale, std::size_t columns, float* gradients) {
  float sum = 0.0f;
  for (std::size_t k = 0; k < columns; ++k) sum += probabilities[k] * gradients[k];
  for (std::size_t k = 0; k < columns; ++k) gradients[k] = scale * probabilities[k] * (gradients[k] - sum);
}

void shifted_exponentials_plain(const float* input, float shift, std::size_t elements, float* output) {
  for (std::size_t i = 0; i < elements; ++i) output[i] = std::exp(input[i] - shift);
}

}  // namespace sterna::tensor::kernels
