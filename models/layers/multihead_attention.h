// Attention of many heads with its four projections; torch.nn.MultiheadAttention, batch first.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/layers/dropout.h"
#include "models/layers/layer.h"
#include "runtime/tensor/dot_product_attention.h"
#include "runtime/tensor/products.h"

namespace sterna::models {

// What a decoder's layers attend to: the encoder's output, and the sum of their gradients of it. Whoever runs
// the encoder sets `value` before the forward pass, and borrows and zeroes `gradient` before the backward
// pass.
struct AttendedMemory {
  tensor::TensorForm form;  // [B, positions, features]
  tensor::ConstTensor value{};
  tensor::Tensor gradient{};
};

struct MultiheadAttentionOptions {
  std::size_t heads;
  bool is_causal = false;
  AttendedMemory* memory = nullptr;  // keys and values come from it; none: from the input
  // The positions of a sample's symbols that stand for the keys: where one is 0, it is padding and nobody
  // attends to it. None where the keys are not symbols, or all of them count.
  bool has_padding = false;
  std::size_t first_symbol = 0;
  DropoutOptions dropout{.probability = 0.0};  // of the probabilities
};

// Plain [B, positions, features] -> the same form. Parameters "<name>.in_proj_weight" [3 d, d] (Xavier's
// uniform values), "<name>.in_proj_bias" (0), "<name>.out_proj.weight" [d, d], "<name>.out_proj.bias" (0).
class MultiheadAttention final : public Layer {
 public:
  MultiheadAttention(const LayerContext& context, const std::string& name,
                     const MultiheadAttentionOptions& options);

  const tensor::TensorForm& output_form() const override { return form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;
  double multiplications_of_activations() const override { return tensor::attention_multiplications(shape_); }

 private:
  // Rows of the projection's weights and biases, and the products with one source.
  struct Projection {
    std::size_t first_row;
    std::unique_ptr<tensor::Products> products;
    tensor::Tensor output{};
  };

  void add_projection(const LayerContext& context, const tensor::TensorForm& source, std::size_t first_row,
                      std::size_t rows);
  template <typename Float>
  [[nodiscard]] std::span<Float> rows_of(std::span<Float> parameter, const Projection& projection) const;
  [[nodiscard]] tensor::ConstTensor source_of(const Projection& projection) const;
  [[nodiscard]] tensor::AttentionInputs inputs(const Pass& pass) const;
  void read_padding(const Pass& pass);
  // Overwrites the projection's part of the parameters' gradients, and returns the gradient of its source.
  tensor::Tensor backward(const Projection& projection, tensor::Tensor gradient, const Pass& pass);

  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm form_;
  MultiheadAttentionOptions options_;
  std::size_t features_;
  std::size_t keys_;
  tensor::AttentionShape shape_;
  std::unique_ptr<tensor::DotProductAttention> attention_;
  std::size_t in_weight_, in_bias_, out_weight_, out_bias_;
  std::vector<Projection> projections_;  // queries, keys and values together; or queries, then the others
  std::unique_ptr<tensor::Products> out_products_;
  std::span<float> key_mask_;  // [B, keys]; empty: no padding
  tensor::ConstTensor input_;  // of the last forward()
  tensor::Tensor context_;     // what the heads found, [B, positions, features]
  tensor::Tensor output_;
};

}  // namespace sterna::models
