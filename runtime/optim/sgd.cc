// Stochastic gradient descent with momentum mu and L2 weight decay wd. For each element, in float32:
//
//   g' = g + wd w;  v = mu v + g';  w = w - lr v     with v = 0 before the first step
//
// Without momentum, v is g' and is not stored. Source: torch.optim.SGD with dampening 0.
#include <cstddef>
#include <memory>
#include <span>

#include "runtime/core/errors.h"
#include "runtime/optim/optimizer.h"

namespace sterna::optim {

std::unique_ptr<Optimizer> make_sgd(const OptimizerUse& use, const OptimizerOptions& options);

namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerUse& use, const OptimizerOptions& options)
      : Optimizer(use.elements, options.momentum != 0.0f ? 1 : 0, use.operations), options_(options) {}

  void apply(std::span<const float> gradient, float learning_rate, std::span<float> parameters) override {
    STERNA_CHECK(gradient.size() == elements_);
    STERNA_CHECK(parameters.size() == elements_);
    operations_.sgd({.learning_rate = learning_rate,
                     .momentum = options_.momentum,
                     .weight_decay = options_.weight_decay},
                    gradient, state().empty() ? std::span<float>() : state()[0], parameters);
  }

  void resume_at(std::uint64_t) override {}

 private:
  OptimizerOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerUse& use, const OptimizerOptions& options) {
  return std::make_unique<Sgd>(use, options);
}

}  // namespace sterna::optim
