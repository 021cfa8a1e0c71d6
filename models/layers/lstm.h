// Long short-term memory: layers of it, one upon the other, in one or both directions of time; torch.nn.LSTM
// with batch_first.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/layer.h"
#include "models/layers/lstm_direction.h"

namespace sterna::models {

struct LstmOptions {
  std::size_t units;  // of the state; of each direction
  std::size_t layers = 1;
  bool is_bidirectional = false;
};

// [B, T, in] -> [B, T, units], or [B, T, 2 units] if bidirectional: forward, then backward in time. All
// plain. The state before the first time step is 0. Every time step of every sequence counts, padding too.
//
// Inside, time comes first: what one step reads and writes lies in one piece, and so do all steps but the
// first, or the last, whose product is the gradient of the recurrent weights.
class Lstm final : public Layer {
 public:
  // Parameters of layer n and direction: "<name>.weight_ih_l<n>" [4 units, in], "<name>.weight_hh_l<n>"
  // [4 units, units], "<name>.bias_ih_l<n>" and "<name>.bias_hh_l<n>" [4 units], rows in the order of input
  // gate, forget gate, cell, output gate; backward in time with "_reverse" behind. Initial values are uniform
  // in
  // +-1/sqrt(units), as PyTorch's.
  Lstm(const LayerContext& context, const std::string& name, const LstmOptions& options);

  const tensor::TensorForm& output_form() const override { return output_form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  // All directions of one layer.
  struct Level {
    tensor::TensorForm input_form;   // [T, B, in]
    tensor::TensorForm output_form;  // [T, B, units] or [T, B, 2 units]
    bool needs_input_gradient;
    std::vector<std::unique_ptr<LstmDirection>> directions;
    tensor::Tensor joined;      // of two directions; else no data
    tensor::ConstTensor input;  // of the last forward()
  };

  [[nodiscard]] tensor::ConstTensor forward(Level& level, tensor::ConstTensor input, const Pass& pass);
  // Takes the gradient, [T, B, ...], and returns that of the level's input.
  [[nodiscard]] tensor::Tensor backward(Level& level, tensor::Tensor output_gradient, const Pass& pass);

  // The other way round of [a, b, features].
  void swap_time_and_sequences(tensor::ConstTensor from, tensor::Tensor to);

  tensor::Operations& operations_;
  tensor::Arena& arena_;
  LstmOptions options_;
  tensor::TensorForm input_form_;
  tensor::TensorForm output_form_;
  std::vector<std::unique_ptr<Level>> levels_;
  tensor::Tensor input_;   // time first
  tensor::Tensor output_;  // batch first
};

}  // namespace sterna::models
