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

#include "models/arguments.h"
#include "runtime/core/spans.h"
#include "runtime/data/batch.h"
#include "runtime/tensor/operations.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna::models {

// Told once for each parameter and backward pass, in the order in which gradients become final (last layer
// first). From that moment the parameter's gradient may be read by another thread.
using GradientReady = std::function<void(std::size_t parameter)>;

// Keys whatever in a pass is random.
struct PassKey {
  std::uint64_t seed = 0;
  std::uint32_t learner = 0;
  std::uint64_t step = 0;
};

// The memory that a pass works on, of the model's operations; each arena is laid out as the model's table of
// it says.
struct PassArenas {
  std::span<const float> values;  // of parameters(), the same for all learners
  std::span<float> gradients{};   // of parameters(), one learner's; padding is left alone
  std::span<float> statistics{};  // of statistics(), one learner's
};

// Sums over the labels of a batch that count (those other than kNoLabel).
struct BatchScore {
  double loss_sum = 0.0;    // nats; the gradient is of loss_sum / labels
  std::size_t correct = 0;  // labels whose class has the largest logit, the lower class on a tie
  std::size_t labels = 0;
  // Labels whose class has one of the five largest logits, ties as above; forward_backward() does not count.
  std::size_t correct_top5 = 0;
};

class Generator;
struct GeneratorShape;

class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual const data::SampleShape& sample_shape() const = 0;
  [[nodiscard]] virtual const tensor::ParameterTable& parameters() const = 0;

  // What training tracks beside the parameters, such as the running means of batch normalisation: each
  // learner has its own, from its own batches, and an evaluation reads the mean over learners.
  [[nodiscard]] virtual const tensor::ParameterTable& statistics() const = 0;

  // Overwrites every parameter's gradient with that of the mean loss over the batch, and moves the statistics
  // on.
  //   batch  as many samples as the model was made for
  virtual BatchScore forward_backward(const data::Batch& batch, const PassKey& key, const PassArenas& arenas,
                                      const GradientReady& ready) = 0;

  // Forward alone, in evaluation mode; gradients may be empty, and statistics stay as they are.
  virtual BatchScore evaluate(const data::Batch& batch, const PassArenas& arenas) = 0;

  // Forward alone, in evaluation mode, for whoever generates text or ranks classes: [B, labels, classes], in
  // memory of the model and the host that its next pass overwrites. The batch's labels are not read.
  [[nodiscard]] virtual std::span<const float> logits(const data::Batch& batch, const PassArenas& arenas) = 0;

  // Forward alone, in training mode; for `sterna bench step`, which reports forward and backward apart.
  virtual BatchScore forward(const data::Batch& batch, const PassKey& key, const PassArenas& arenas) = 0;

  // What generates targets symbol by symbol (generator.h), in memory of its own, the host's; null where the
  // model has no encoder and decoder.
  [[nodiscard]] virtual std::unique_ptr<Generator> make_generator(const GeneratorShape& shape) const = 0;

  // From now on forward_backward() leaves spans in the log of its thread, which must outlive the passes:
  // forward, backward, and within backward of every layer of a chain, under the name that its parameters have
  // in common, or else its type's.
  virtual void record_spans(SpanLog& log) = 0;

  // Floating-point operations of one sample's training step: 2 for each multiply-add, three products a layer.
  [[nodiscard]] virtual double training_flops_per_sample() const = 0;
};

// What a model is made for: batches of one length, and those who do its arithmetic, which outlive it.
struct ModelUse {
  std::size_t batch_samples;
  tensor::Operations& operations;
};

struct ModelEntry {
  std::string_view name;     // what --model says
  std::string_view summary;  // one line for `sterna list`
  std::size_t parameters;    // elements, at default arguments
  std::unique_ptr<Model> (*make)(const ModelUse& use, ModelArguments& arguments);
};

// Every model of this build, sorted by name.
[[nodiscard]] std::span<const ModelEntry> model_table();

// Throws ConfigError, which lists the names, if there is no such model.
[[nodiscard]] const ModelEntry& find_model(std::string_view name);

// Makes a model for batches of that many samples.
//   arguments   "name=value", as --model-arg gives them
//   operations  do its arithmetic; must outlive it
// Throws ConfigError if there is no such model, or it has no such argument or cannot have that value.
[[nodiscard]] std::unique_ptr<Model> make_model(std::string_view name, std::size_t batch_samples,
                                                std::span<const std::string> arguments = {},
                                                tensor::Operations& operations = tensor::cpu_operations());

}  // namespace sterna::models
