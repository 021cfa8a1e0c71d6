// A layer: forward and backward side by side.
//
// A layer is built in one go for one form of input: its constructor declares its parameters and statistics,
// and reserves what must last from forward to backward. Afterwards it runs against whichever values,
// gradients and statistics a pass brings along. A composite, such as a residual block, is a layer that owns
// layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "models/model.h"
#include "runtime/core/spans.h"
#include "runtime/tensor/arena.h"
#include "runtime/tensor/operations.h"
#include "runtime/tensor/parameter_table.h"
#include "runtime/tensor/tensor.h"

namespace sterna::models {

// What a layer finds when it is constructed.
struct LayerContext {
  tensor::ParameterTable& parameters;
  tensor::ParameterTable&
      statistics;  // what training tracks and no optimizer touches: running means, variances
  tensor::Arena& arena;
  tensor::TensorForm input;
  bool needs_input_gradient = true;  // false: no layer before this one has parameters

  // What does all work on the memory of activations, parameters, gradients and statistics, wherever that is.
  [[nodiscard]] tensor::Operations& operations() const { return arena.operations(); }
};

// One pass through a model: what is the same for all of its layers.
struct Pass {
  const tensor::ParameterTable& parameters;
  const tensor::ParameterTable& statistics;
  PassArenas arenas;
  std::span<const std::int32_t> symbols{};  // [B, positions], where inputs are symbols
  PassKey key;
  bool is_training = true;
  const GradientReady* ready = nullptr;
  SpanLog* spans = nullptr;  // null: no timeline is wanted

  [[nodiscard]] std::span<const float> value(std::size_t parameter) const {
    return parameters.slice(arenas.values, parameter);
  }
  [[nodiscard]] std::span<float> gradient(std::size_t parameter) const {
    return parameters.slice(arenas.gradients, parameter);
  }
  // Moved on by forward() in training, read in evaluation.
  [[nodiscard]] std::span<float> statistic(std::size_t index) const {
    return statistics.slice(arenas.statistics, index);
  }
  // To be called once for each parameter, as soon as its gradient is final.
  void tell_ready(std::size_t parameter) const {
    if (ready != nullptr && *ready) (*ready)(parameter);
  }
  // What goes on from now, in the timeline. The name outlives the log.
  [[nodiscard]] Span span(const char* name) const {
    return Span(spans, name, key.step, {.key = "learner", .number = key.learner});
  }
};

class Layer {
 public:
  virtual ~Layer() = default;

  [[nodiscard]] virtual const tensor::TensorForm& output_form() const = 0;

  // Returns the output: memory of the layer, overwritten by its next forward(). The input must stay as it is
  // until backward() has run.
  virtual tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) = 0;

  // Overwrites the gradients of the layer's parameters, those of the last one first, and returns the gradient
  // of the input of the last forward(), whose data is null where nobody needs it.
  //
  // Gradients are borrowed from the arena, and change hands: a layer owns `output_gradient`, and overwrites
  // it, hands it on, or gives it back; what it returns is its caller's.
  virtual tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) = 0;

  // Multiply-adds of one sample's forward pass that have no weight in them, such as those of attention.
  [[nodiscard]] virtual double multiplications_of_activations() const { return 0.0; }
};

}  // namespace sterna::models
