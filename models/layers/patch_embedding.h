// The beginning of a vision transformer: square patches of an image become the positions of a sequence, by
// torch.nn.Conv2d with a stride as long as its kernel; before them comes a learned class token.
#pragma once

#include <memory>
#include <string>

#include "models/layers/layer.h"
#include "runtime/tensor/products.h"

namespace sterna::models {

struct PatchEmbeddingOptions {
  std::size_t patch;     // rows and columns, which divide the image's
  std::size_t features;  // of a position
};

// Plain [B, channels, height, width] -> plain [B, 1 + patches, features]. Parameters "class_token"
// [1, 1, features] (0 at first), "<name>.weight" [features, channels, patch, patch], "<name>.bias". The input
// has no gradient.
class PatchEmbedding final : public Layer {
 public:
  PatchEmbedding(const LayerContext& context, const std::string& name, const PatchEmbeddingOptions& options);

  const tensor::TensorForm& output_form() const override { return output_form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  // Writes each patch as a row, in the order of the weights: channel, row, column.
  void cut(tensor::ConstTensor image);

  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  std::size_t patch_;
  tensor::TensorForm patches_form_;  // [B, patches, channels * patch * patch]
  std::unique_ptr<tensor::Products> products_;
  std::size_t class_token_, weight_, bias_;
  tensor::TensorForm token_form_;  // [B, features]
  tensor::TensorForm output_form_;
  tensor::Tensor patches_;
  tensor::Tensor output_;
};

// The first position of each sample: plain [B, positions, features] -> plain [B, features].
class FirstPosition final : public Layer {
 public:
  explicit FirstPosition(const LayerContext& context);

  const tensor::TensorForm& output_form() const override { return output_form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  tensor::TensorForm output_form_;
  tensor::Tensor output_;
};

}  // namespace sterna::models
