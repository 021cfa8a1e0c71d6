// Compares a layer's backward pass with central differences, without any rounding.
//
// Inputs, parameters and output weights are small integers, biases end in one half, and the difference's step
// is 1/8. All layers but the loss are piecewise linear, so every number is a small multiple of 1/16 and exact
// in float32, and no step crosses a kink: pre-activations end in one half and move by at most 3/8. The
// comparison is for equality.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/layers/sequential.h"
#include "runtime/core/aligned_vector.h"

namespace sterna::models {

class LayerProbe {
 public:
  static constexpr float kStep = 0.125f;

  // `add_layers` must end in a plain output; `inputs_are_distinct` gives every input another value, so that
  // no window has a tie.
  LayerProbe(const tensor::Shape& input_shape, const std::function<void(Sequential&)>& add_layers,
             bool inputs_are_distinct = false);

  // Fails the running test at the first element where backward pass and difference disagree.
  void expect_exact_gradients();

  [[nodiscard]] std::vector<float> forward();
  // Returns the gradient of the input for the weights of the outputs.
  [[nodiscard]] std::vector<float> backward();

  std::vector<float> inputs;
  AlignedVector<float> values;
  AlignedVector<float> gradients;
  AlignedVector<float> statistics;  // at their initial values
  data::Batch batch;                // empty, for layers that read symbols
  bool is_training = true;
  std::vector<float> output_weights;  // the loss is sum_i output_weights[i] * output[i]
  std::vector<std::size_t> ready;     // parameters, in the order in which their gradients were final

  [[nodiscard]] const tensor::ParameterTable& parameters() const { return parameters_; }
  [[nodiscard]] const tensor::Shape& output_shape() const { return layers_.output_form().shape; }

 private:
  [[nodiscard]] Pass pass();
  [[nodiscard]] double loss();
  [[nodiscard]] double difference(float& at);

  tensor::ParameterTable parameters_;
  tensor::ParameterTable statistics_;
  tensor::Arena arena_;
  tensor::TensorForm input_form_;
  Sequential layers_;
  GradientReady tell_ready_;
};

}  // namespace sterna::models
