// Stochastic gradient descent with momentum mu and L2 weight decay wd. For each element, in float32:
//
//   g' = g + wd w;  v = mu v + g';  w = w - lr v     with v = 0 before the first step
//
// Without momentum, v is g' and is not stored. Source: torch.optim.SGD with dampening 0.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/parallel.h"

namespace sterna::optim {

std::unique_ptr<Optimizer> make_sgd(std::size_t elements, const OptimizerOptions& options);

namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(std::size_t elements, const OptimizerOptions& options) : elements_(elements), options_(options) {
    if (options.momentum != 0.0f) state_.emplace_back(elements, 0.0f);
  }

  void apply(std::span<const float> gradient, float learning_rate, std::span<float> parameters) override {
    STERNA_CHECK(gradient.size() == elements_);
    STERNA_CHECK(parameters.size() == elements_);
    if (state_.empty()) {
      apply_plain(gradient.data(), learning_rate, parameters.data());
    } else {
      apply_momentum(gradient.data(), learning_rate, parameters.data());
    }
  }

  std::span<AlignedVector<float>> state() override { return state_; }
  void resume_at(std::uint64_t) override {}

 private:
  void apply_plain(const float* gradient, float learning_rate, float* parameters) const {
    const float weight_decay = options_.weight_decay;
#pragma omp parallel for simd schedule(static) if (elements_ >= kParallelElements)
    for (std::size_t i = 0; i < elements_; ++i) {
      parameters[i] -= learning_rate * (gradient[i] + weight_decay * parameters[i]);
    }
  }

  void apply_momentum(const float* gradient, float learning_rate, float* parameters) {
    const float weight_decay = options_.weight_decay;
    const float momentum = options_.momentum;
    float* velocity = state_[0].data();
#pragma omp parallel for simd schedule(static) if (elements_ >= kParallelElements)
    for (std::size_t i = 0; i < elements_; ++i) {
      velocity[i] = momentum * velocity[i] + (gradient[i] + weight_decay * parameters[i]);
      parameters[i] -= learning_rate * velocity[i];
    }
  }

  std::size_t elements_;
  OptimizerOptions options_;
  std::vector<AlignedVector<float>> state_;  // velocity v, if there is momentum
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(std::size_t elements, const OptimizerOptions& options) {
  return std::make_unique<Sgd>(elements, options);
}

}  // namespace sterna::optim
