// Adam, with weight decay wd in one of two places. For each element, in float32, at step t = 1, 2, ...:
//
//   adam   (L2):         g' = g + wd w   k = 1
//   adamw  (decoupled):  g' = g          k = 1 - lr wd
//
//   m = b1 m + (1 - b1) g'      m = v = 0 before the first step
//   v = b2 v + (1 - b2) g'^2
//   w = k w - (lr / (1 - b1^t)) (m / (sqrt(v) / sqrt(1 - b2^t) + epsilon))
//
// Factors without an element in them are computed in double precision and rounded once.
// Sources: Kingma and Ba, ICLR 2015 (arXiv:1412.6980), Algorithm 1; Loshchilov and Hutter, ICLR 2019
// (arXiv:1711.05101), Algorithm 2. Where epsilon is, and lr in the decay, as in torch.optim.Adam and AdamW.
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/parallel.h"

namespace sterna::optim {

std::unique_ptr<Optimizer> make_adam(std::size_t elements, const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_adamw(std::size_t elements, const OptimizerOptions& options);

namespace {

enum class Decay { kL2, kDecoupled };

// Factors of step t, counted from 1.
struct Factors {
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float rate;        // lr / (1 - beta1^t)
  float correction;  // sqrt(1 - beta2^t)
  float epsilon;
  float l2;    // of the parameter, in the gradient
  float kept;  // of the parameter
};

Factors factors_of(const OptimizerOptions& options, Decay decay, std::uint64_t step, float learning_rate) {
  const double beta1 = options.beta1, beta2 = options.beta2;
  const double rate = learning_rate, weight_decay = options.weight_decay;
  const auto t = static_cast<double>(step);
  return {.beta1 = options.beta1,
          .one_minus_beta1 = static_cast<float>(1.0 - beta1),
          .beta2 = options.beta2,
          .one_minus_beta2 = static_cast<float>(1.0 - beta2),
          .rate = static_cast<float>(rate / (1.0 - std::pow(beta1, t))),
          .correction = static_cast<float>(std::sqrt(1.0 - std::pow(beta2, t))),
          .epsilon = options.epsilon,
          .l2 = decay == Decay::kL2 ? options.weight_decay : 0.0f,
          .kept = decay == Decay::kDecoupled ? static_cast<float>(1.0 - rate * weight_decay) : 1.0f};
}

class Adam final : public Optimizer {
 public:
  Adam(std::size_t elements, const OptimizerOptions& options, Decay decay)
      : options_(options), decay_(decay), moments_(2, AlignedVector<float>(elements, 0.0f)) {}

  void apply(std::span<const float> gradient, float learning_rate, std::span<float> parameters) override {
    const std::size_t elements = moments_[0].size();
    STERNA_CHECK(gradient.size() == elements);
    STERNA_CHECK(parameters.size() == elements);
    const Factors f = factors_of(options_, decay_, ++steps_taken_, learning_rate);
    const float* g = gradient.data();
    float* w = parameters.data();
    float* m = moments_[0].data();
    float* v = moments_[1].data();
#pragma omp parallel for simd schedule(static) if (elements >= kParallelElements)
    for (std::size_t i = 0; i < elements; ++i) {
      const float decayed = g[i] + f.l2 * w[i];
      m[i] = f.beta1 * m[i] + f.one_minus_beta1 * decayed;
      v[i] = f.beta2 * v[i] + f.one_minus_beta2 * (decayed * decayed);
      w[i] = f.kept * w[i] - f.rate * (m[i] / (std::sqrt(v[i]) / f.correction + f.epsilon));
    }
  }

  std::span<AlignedVector<float>> state() override {
    return moments_;
  }
  void resume_at(std::uint64_t steps_taken) override {
    steps_taken_ = steps_taken;
  }

 private:
  OptimizerOptions options_;
  Decay decay_;
  std::vector<AlignedVector<float>> moments_;  // m, v
  std::uint64_t steps_taken_ = 0;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(std::size_t elements, const OptimizerOptions& options) {
  return std::make_unique<Adam>(elements, options, Decay::kL2);
}

std::unique_ptr<Optimizer> make_adamw(std::size_t elements, const OptimizerOptions& options) {
  return std::make_unique<Adam>(elements, options, Decay::kDecoupled);
}

}  // namespace sterna::optim
