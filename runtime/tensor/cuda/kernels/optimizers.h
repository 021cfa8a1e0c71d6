// The optimizers' updates: the bits of runtime/optim, whose files say what they compute.
#pragma once

#include <cmath>

#include "runtime/tensor/cuda/kernels/elementwise.h"

namespace sterna::tensor::cuda {

// velocity is null without momentum.
struct SgdUpdate {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* gradient, SgdFactors factors,
                                std::uint32_t elements, float* velocity, float* parameters) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      const float parameter = parameters[i];
      float step = gradient[i] + factors.weight_decay * parameter;
      if (velocity != nullptr) velocity[i] = step = factors.momentum * velocity[i] + step;
      parameters[i] = parameter - factors.learning_rate * step;
    });
  }
};

struct AdamUpdate {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* gradient, AdamFactors f,
                                std::uint32_t elements, float* first, float* second, float* parameters) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      const float parameter = parameters[i];
      const float decayed = gradient[i] + f.l2 * parameter;
      const float m = f.beta1 * first[i] + f.one_minus_beta1 * decayed;
      const float v = f.beta2 * second[i] + f.one_minus_beta2 * (decayed * decayed);
      first[i] = m;
      second[i] = v;
      parameters[i] = f.kept * parameter - f.rate * (m / (std::sqrt(v) / f.correction + f.epsilon));
    });
  }
};

}  // namespace sterna::tensor::cuda
