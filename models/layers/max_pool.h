// Largest value of each window; torch.nn.MaxPool2d. A gradient goes to the first largest value.
//
// max(., 0) and the largest of a window commute, so a network saves time by pooling first: Relu behind
// MaxPool has a quarter of the elements to pass over, and gives the same bits.
#pragma once

#include <cstddef>
#include <memory>

#include "models/layers/layer.h"
#include "runtime/tensor/pooling.h"

namespace sterna::models {

struct MaxPoolOptions {
  std::size_t window;       // rows and columns
  std::size_t stride = 0;   // 0: as the window
  std::size_t padding = 0;  // on each side, at most half a window
};

// [B, channels, height, width] -> [B, channels, height', width'], in the layout of its input.
class MaxPool final : public Layer {
 public:
  MaxPool(const LayerContext& context, const MaxPoolOptions& options);

  const tensor::TensorForm& output_form() const override { return pooling_->output_form(); }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  bool needs_input_gradient_;
  std::unique_ptr<tensor::Pooling> pooling_;
  tensor::Tensor output_;
};

}  // namespace sterna::models
