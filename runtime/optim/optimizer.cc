#include "runtime/optim/optimizer.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <vector>

#include "runtime/core/errors.h"

namespace sterna::optim {

// Each defined in the file of that name; declared only here, so only the table calls them.
std::unique_ptr<Optimizer> make_adam(const OptimizerUse& use, const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_adamw(const OptimizerUse& use, const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_sgd(const OptimizerUse& use, const OptimizerOptions& options);

namespace {

constexpr OptimizerEntry kOptimizers[] = {
    {"adam", "Adam with L2 weight decay; 8 bytes of state per parameter", make_adam},
    {"adamw", "Adam with decoupled weight decay; 8 bytes of state per parameter", make_adamw},
    {"sgd", "momentum and L2 weight decay; 4 bytes of state per parameter, none without momentum", make_sgd},
};
static_assert(std::ranges::adjacent_find(kOptimizers, std::ranges::greater_equal{}, &OptimizerEntry::name) ==
                  std::end(kOptimizers),
              "keep the table sorted, each name once");

[[noreturn]] void refuse(std::string_view what, float value, std::string_view legal) {
  throw ConfigError(cat("[optim] ", what, " = ", value, ": must be ", legal));
}

// Written so that a NaN, for which every comparison is false, is refused.
void validate(const OptimizerOptions& options) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  const auto is_decay_factor = [](float value) { return value >= 0.0f && value < 1.0f; };
  if (!is_decay_factor(options.momentum)) refuse("momentum", options.momentum, "in [0, 1); 0.9 is common");
  if (!is_decay_factor(options.beta1)) refuse("beta1", options.beta1, "in [0, 1); 0.9 is common");
  if (!is_decay_factor(options.beta2)) refuse("beta2", options.beta2, "in [0, 1); 0.999 is common");
  if (!(options.weight_decay >= 0.0f && options.weight_decay <= kLargest)) {
    refuse("weight-decay", options.weight_decay, "at least 0 and finite; 0.0001 is common");
  }
  if (!(options.epsilon > 0.0f && options.epsilon <= kLargest)) {
    refuse("epsilon", options.epsilon, "positive and finite; 1e-8 is common");
  }
}

}  // namespace

Optimizer::Optimizer(std::size_t elements, std::size_t numbers, tensor::Operations& operations)
    : operations_(operations), elements_(elements) {
  for (std::size_t i = 0; i < numbers; ++i) {
    const tensor::Memory& memory = memory_.emplace_back(operations.reserve(elements * sizeof(float)));
    state_.emplace_back(reinterpret_cast<float*>(memory.get()), elements);
  }
}

std::span<const OptimizerEntry> optimizer_table() {
  return kOptimizers;
}

std::unique_ptr<Optimizer> make_optimizer(std::string_view name, std::size_t elements,
                                          const OptimizerOptions& options, tensor::Operations& operations) {
  validate(options);
  const auto found = std::ranges::find(kOptimizers, name, &OptimizerEntry::name);
  if (found != std::end(kOptimizers))
    return found->make({.elements = elements, .operations = operations}, options);
  std::vector<std::string_view> names;
  for (const OptimizerEntry& entry : kOptimizers) names.push_back(entry.name);
  throw ConfigError(
      cat("[optim] --optimizer = ", name, ": no such optimizer; this build has ", joined(names, ", ")));
}

}  // namespace sterna::optim
