// Optimizers: from the mean gradient to new parameters. Arithmetic is float32, element by element, one pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/tensor/operations.h"

namespace sterna::optim {

struct OptimizerOptions {
  float momentum = 0.0f;      // sgd, in [0, 1)
  float weight_decay = 0.0f;  // >= 0; L2 for sgd and adam, decoupled for adamw
  float beta1 = 0.9f;         // adam, adamw; both in [0, 1)
  float beta2 = 0.999f;
  float epsilon = 1e-8f;  // > 0: an element without gradient must not become 0 / 0
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One step: parameters [n] move against gradient [n], the mean over learners; both in memory of the
  // operations.
  virtual void apply(std::span<const float> gradient, float learning_rate, std::span<float> parameters) = 0;

  // What it remembers (momentum, moments), for checkpoints; each [n], in memory of the operations.
  [[nodiscard]] std::span<const std::span<float>> state() const { return state_; }

  // Continues after `steps_taken` steps, on which adam's bias corrections depend; for the caller that has
  // just put a checkpoint's values into state().
  virtual void resume_at(std::uint64_t steps_taken) = 0;

 protected:
  // Remembers so many numbers of each of the [n], all 0 at first.
  Optimizer(std::size_t elements, std::size_t numbers, tensor::Operations& operations);

  tensor::Operations& operations_;
  std::size_t elements_;

 private:
  std::vector<tensor::Memory> memory_;
  std::vector<std::span<float>> state_;
};

// A parameter of the factories below.
struct OptimizerUse {
  std::size_t elements;            // n
  tensor::Operations& operations;  // do the arithmetic; outlive the optimizer
};

struct OptimizerEntry {
  std::string_view name;     // what --optimizer says
  std::string_view summary;  // one line for `sterna list`
  std::unique_ptr<Optimizer> (*make)(const OptimizerUse& use, const OptimizerOptions& options);
};

// Every optimizer of this build, sorted by name.
[[nodiscard]] std::span<const OptimizerEntry> optimizer_table();

// Throws ConfigError if there is no such optimizer or a setting is out of range.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(
    std::string_view name, std::size_t elements, const OptimizerOptions& options,
    tensor::Operations& operations = tensor::cpu_operations());

}  // namespace sterna::optim
