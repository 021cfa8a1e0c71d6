// A row of a table for each symbol; torch.nn.Embedding.
#pragma once

#include <cstddef>
#include <string>

#include "models/layers/layer.h"

namespace sterna::models {

struct EmbeddingOptions {
  std::size_t symbols;             // rows of the table
  std::size_t features;            // columns
  std::size_t first = 0;           // which of a sample's positions are looked up: from here ...
  std::size_t count = 0;           // ... so many; 0: all that follow
  double initial_deviation = 1.0;  // of the normal initial values; 1 as PyTorch's
};

// Symbols of the batch [B, positions] -> plain [B, count, features]. Its input tensor has no data: the
// symbols come with the pass.
class Embedding final : public Layer {
 public:
  // The parameter is "<name>.weight", [symbols, features].
  Embedding(const LayerContext& context, const std::string& name, const EmbeddingOptions& options);

  const tensor::TensorForm& output_form() const override { return output_form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  [[nodiscard]] tensor::SymbolWindow window(const Pass& pass) const;

  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  EmbeddingOptions options_;
  std::size_t weight_;
  tensor::TensorForm output_form_;
  tensor::Tensor output_;
};

}  // namespace sterna::models
