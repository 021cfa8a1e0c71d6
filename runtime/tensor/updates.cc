#include "runtime/tensor/updates.h"

#include <cmath>
#include <cstddef>

#include "runtime/core/errors.h"

namespace sterna::tensor {
namespace {

// Below this a step takes some ten microseconds, about what it costs to wake a thread.
constexpr std::size_t kElementsWorthThreads = std::size_t{1} << 16;

void sgd_without_momentum(const SgdFactors& factors, std::span<const float> gradient,
                          std::span<float> parameters) {
  const std::size_t elements = parameters.size();
  const float learning_rate = factors.learning_rate, weight_decay = factors.weight_decay;
  const float* g = gradient.data();
  float* w = parameters.data();
#pragma omp parallel for simd schedule(static) if (elements >= kElementsWorthThreads)
  for (std::size_t i = 0; i < elements; ++i) w[i] -= learning_rate * (g[i] + weight_decay * w[i]);
}

}  // namespace

void sgd(const SgdFactors& factors, std::span<const float> gradient, std::span<float> velocity,
         std::span<float> parameters) {
  STERNA_CHECK(gradient.size() == parameters.size());
  if (velocity.empty()) return sgd_without_momentum(factors, gradient, parameters);
  STERNA_CHECK(velocity.size() == parameters.size());
  const std::size_t elements = parameters.size();
  const float learning_rate = factors.learning_rate;
  const float momentum = factors.momentum, weight_decay = factors.weight_decay;
  const float* g = gradient.data();
  float* v = velocity.data();
  float* w = parameters.data();
#pragma omp parallel for simd schedule(static) if (elements >= kElementsWorthThreads)
  for (std::size_t i = 0; i < elements; ++i) {
    v[i] = momentum * v[i] + (g[i] + weight_decay * w[i]);
    w[i] -= learning_rate * v[i];
  }
}

void adam(const AdamFactors& factors, std::span<const float> gradient, std::span<float> first_moment,
          std::span<float> second_moment, std::span<float> parameters) {
  STERNA_CHECK(gradient.size() == parameters.size());
  STERNA_CHECK(first_moment.size() == parameters.size());
  STERNA_CHECK(second_moment.size() == parameters.size());
  const std::size_t elements = parameters.size();
  const AdamFactors f = factors;
  const float* g = gradient.data();
  float* w = parameters.data();
  float* m = first_moment.data();
  float* v = second_moment.data();
#pragma omp parallel for simd schedule(static) if (elements >= kElementsWorthThreads)
  for (std::size_t i = 0; i < elements; ++i) {
    const float decayed = g[i] + f.l2 * w[i];
    m[i] = f.beta1 * m[i] + f.one_minus_beta1 * decayed;
    v[i] = f.beta2 * v[i] + f.one_minus_beta2 * (decayed * decayed);
    w[i] = f.kept * w[i] - f.rate * (m[i] / (std::sqrt(v[i]) / f.correction + f.epsilon));
  }
}

}  // namespace sterna::tensor
