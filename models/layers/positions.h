// Adds to each position of a sequence what tells it from the others: a learned row, or sines and cosines
// (Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "models/layers/layer.h"

namespace sterna::models {

struct PositionsOptions {
  std::string learned{};           // name of the parameter; empty: sines and cosines
  bool is_batched = false;         // its shape is [1, positions, features]
  double initial_deviation = 0.0;  // of the learned rows
  double scale = 1.0;              // of the input
};

// What tells a position from the others in one feature: sin(p / 10000^(2 i / features)) at feature 2 i, the
// cosine at 2 i + 1.
[[nodiscard]] float sine_of_position(std::size_t position, std::size_t feature, std::size_t features);

// Plain [B, positions, features] -> the same form: scale * input + row of the position. A learned table is
// [positions, features].
class Positions final : public Layer {
 public:
  Positions(const LayerContext& context, const PositionsOptions& options);

  const tensor::TensorForm& output_form() const override { return form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Operations& operations_;
  tensor::TensorForm form_;
  float scale_;
  std::optional<std::size_t> learned_;
  std::span<float> sines_;  // [positions, features]
  tensor::Tensor output_;
};

}  // namespace sterna::models
