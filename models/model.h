// A model: forward and backward over one learner's batch. It knows no rank, no compressor and no optimizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/batch.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna::models {

// Told once for each parameter and backward pass, in the order in which gradients become final (last layer
// first). From that moment the parameter's gradient may be read by another thread.
using GradientReady = std::function<void(std::size_t parameter)>;

// Keys whatever in a pass is random or kept per learner.
struct PassKey {
  std::uint64_t seed = 0;
  std::uint32_t learner = 0;
  std::uint64_t step = 0;
};

// Sums over the labels of a batch that count (those other than kNoLabel).
struct BatchScore {
  double loss_sum = 0.0;    // nats; the gradient is of loss_sum / labels
  std::size_t correct = 0;  // labels whose class has the largest logit, the lower class on a tie
  std::size_t labels = 0;
};

class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual const data::SampleShape& sample_shape() const = 0;
  [[nodiscard]] virtual const tensor::ParameterTable& parameters() const = 0;

  // Overwrites every parameter's gradient with that of the mean loss over the batch.
  //   batch      as many samples as the model was made for
  //   values     [arena] float32, parameter values
  //   gradients  [arena] float32; padding is left alone
  virtual BatchScore forward_backward(const data::Batch& batch, const PassKey& key,
                                      std::span<const float> values, std::span<float> gradients,
                                      const GradientReady& ready) = 0;

  // Forward alone, in evaluation mode.
  virtual BatchScore evaluate(const data::Batch& batch, std::span<const float> values) = 0;

  // Forward alone; for `sterna bench step`, which reports forward and backward apart.
  virtual BatchScore forward(const data::Batch& batch, const PassKey& key, std::span<const float> values) = 0;

  // Floating-point operations of one sample's training step: 2 for each multiply-add, three products a layer.
  [[nodiscard]] virtual double training_flops_per_sample() const = 0;
};

struct ModelEntry {
  std::string_view name;     // what --model says
  std::string_view summary;  // one line for `sterna list`
  std::size_t parameters;    // elements
  std::unique_ptr<Model> (*make)(std::size_t batch_samples);
};

// Every model of this build, sorted by name.
[[nodiscard]] std::span<const ModelEntry> model_table();

// Throws ConfigError, which lists the names, if there is no such model.
[[nodiscard]] const ModelEntry& find_model(std::string_view name);

}  // namespace sterna::models
