// Mean of each window, or of each channel; torch.nn.AvgPool2d, torch.nn.AdaptiveAvgPool2d, and
// torch.Tensor.mean((2, 3)).
#pragma once

#include <cstddef>
#include <memory>

#include "models/layers/layer.h"
#include "runtime/tensor/pooling.h"

namespace sterna::models {

// One of the two, or neither: the whole image.
struct AveragePoolOptions {
  std::size_t window = 0;   // rows, columns and stride
  std::size_t outputs = 0;  // rows and columns of the output, of an image of any size
};

// [B, channels, height, width] -> [B, channels, height / window, width / window] or [B, channels, outputs,
// outputs] in the layout of its input, or plain [B, channels].
class AveragePool final : public Layer {
 public:
  AveragePool(const LayerContext& context, const AveragePoolOptions& options);

  const tensor::TensorForm& output_form() const override { return pooling_->output_form(); }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  std::unique_ptr<tensor::Pooling> pooling_;
  tensor::Tensor output_;
};

}  // namespace sterna::models
