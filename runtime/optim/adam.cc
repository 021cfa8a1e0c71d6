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

#include "runtime/core/errors.h"
#include "runtime/optim/optimizer.h"

namespace sterna::optim {

std::unique_ptr<Optimizer> make_adam(const OptimizerUse& use, const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_adamw(const OptimizerUse& use, const OptimizerOptions& options);

namespace {

enum class Decay { kL2, kDecoupled };

// Of step t, counted from 1.
tensor::AdamFactors factors_of(const OptimizerOptions& options, Decay decay, std::uint64_t step,
                               float learning_rate) {
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
  Adam(const OptimizerUse& use, const OptimizerOptions& options, Decay decay)
      : Optimizer(use.elements, /*numbers=*/2, use.operations), options_(options), decay_(decay) {}

  void apply(std::span<const float> gradient, float learning_rate, std::span<float> parameters) override {
    STERNA_CHECK(gradient.size() == elements_);
    STERNA_CHECK(parameters.size() == elements_);
    operations_.adam(factors_of(options_, decay_, ++steps_taken_, learning_rate), gradient, state()[0],
                     state()[1], parameters);
  }

  void resume_at(std::uint64_t steps_taken) override { steps_taken_ = steps_taken; }

 private:
  OptimizerOptions options_;
  Decay decay_;
  std::uint64_t steps_taken_ = 0;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(const OptimizerUse& use, const OptimizerOptions& options) {
  return std::make_unique<Adam>(use, options, Decay::kL2);
}

std::unique_ptr<Optimizer> make_adamw(const OptimizerUse& use, const OptimizerOptions& options) {
  return std::make_unique<Adam>(use, options, Decay::kDecoupled);
}

}  // namespace sterna::optim
