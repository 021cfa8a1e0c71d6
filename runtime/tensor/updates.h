// What an optimizer's step does to each parameter element, in float32, one pass.
#pragma once

#include <span>

namespace sterna::tensor {

// g' = g + weight_decay w;  v = momentum v + g';  w = w - learning_rate v
struct SgdFactors {
  float learning_rate;
  float momentum;
  float weight_decay;
};

// g' = g + l2 w;  m = beta1 m + one_minus_beta1 g';  v = beta2 v + one_minus_beta2 (g' g');
// w = kept w - rate (m / (sqrt(v) / correction + epsilon))
struct AdamFactors {
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float rate;        // lr / (1 - beta1^t)
  float correction;  // sqrt(1 - beta2^t)
  float epsilon;
  float l2;    // of the parameter, in the gradient
  float kept;  // of the parameter
};

// All [n]; the velocity is empty where momentum is 0: v is g' then.
void sgd(const SgdFactors& factors, std::span<const float> gradient, std::span<float> velocity,
         std::span<float> parameters);

void adam(const AdamFactors& factors, std::span<const float> gradient, std::span<float> first_moment,
          std::span<float> second_moment, std::span<float> parameters);

}  // namespace sterna::tensor
