// One layer of an LSTM in one direction of time; a part of Lstm.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "models/layers/layer.h"
#include "runtime/tensor/products.h"

namespace sterna::models {

struct LstmDirectionOptions {
  std::string name;    // of the LSTM
  std::string suffix;  // of the parameters: "_l0", "_l0_reverse"
  std::size_t units;
  bool is_reverse = false;  // begins with the last time step
};

// Input [T, B, in], output [T, B, units].
class LstmDirection {
 public:
  LstmDirection(const LayerContext& context, const LstmDirectionOptions& options);

  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass);

  // Where the gradients of the outputs lie, [T * B, units]: columns of a wider matrix if there are two
  // directions.
  struct OutputGradient {
    const float* data;   // first element of the first row
    std::size_t stride;  // elements from row to row
  };

  // Overwrites the gradients of the parameters, and that of the input where its data is not null.
  void backward(tensor::ConstTensor input, const OutputGradient& output_gradient, const Pass& pass,
                tensor::Tensor input_gradient);

 private:
  // Steps count in the direction of the layer, 0 first; times as the sequence has them.
  [[nodiscard]] std::size_t time_of(std::size_t step) const;
  [[nodiscard]] tensor::Tensor gates_at(std::size_t step) const;
  [[nodiscard]] tensor::Tensor state_at(std::size_t step) const;
  [[nodiscard]] float* cell_at(std::size_t step) const;

  void forward_in_time(const Pass& pass);
  void backward_in_time(const OutputGradient& output_gradient, const Pass& pass);
  void recurrent_weight_gradient(std::span<float> weights);

  tensor::Operations& operations_;
  tensor::Arena& arena_;
  std::size_t times_;      // T
  std::size_t sequences_;  // B
  std::size_t units_;
  bool is_reverse_;
  std::size_t input_weight_, state_weight_, input_bias_, state_bias_;

  tensor::TensorForm gates_form_;                               // [T, B, 4 units]
  tensor::TensorForm states_form_;                              // [T, B, units]
  tensor::TensorForm step_gates_form_;                          // [B, 4 units]
  tensor::TensorForm step_state_form_;                          // [B, units]
  tensor::TensorForm later_gates_form_;                         // [T - 1, B, 4 units]
  tensor::TensorForm earlier_states_form_;                      // [T - 1, B, units]
  std::unique_ptr<tensor::Products> input_products_;            // of all time steps together
  std::unique_ptr<tensor::Products> state_products_;            // of one time step
  std::unique_ptr<tensor::Products> state_products_over_time_;  // of all, for the gradient of the weights

  tensor::Tensor gates_;  // activations; backward() overwrites them with the gradients of their sums
  tensor::Tensor cells_;
  tensor::Tensor states_;  // the output
  std::span<float> bias_;  // [4 units], sum of both
};

}  // namespace sterna::models
