// Scaled dot-product attention on the processor.
//
// Probabilities exist for a tile of queries of one head at a time. What lasts from forward to backward is one
// number a query, the logarithm of its row's sum of exponentials, from which backward computes them again
// (Dao et al., FlashAttention, NeurIPS 2022, arXiv:2205.14135).
#pragma once

#include <cstddef>
#include <span>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/dot_product_attention.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor {

class Attention final : public DotProductAttention {
 public:
  Attention(const AttentionShape& shape, Arena& arena);

  void forward(const AttentionInputs& inputs, Heads output) override;
  void backward(const AttentionInputs& inputs, ConstHeads output_gradient, Heads query, Heads key,
                Heads value) override;

 private:
  // A tile of one head's queries, and the keys that any of them sees.
  struct Tile {
    std::size_t sample, head, first, queries, keys;
  };

  template <typename Visit>
  void for_each_head(const Visit& visit);
  template <typename Visit>
  void for_each_tile(std::size_t sample, std::size_t head, const Visit& visit) const;
  template <typename Float>
  Float* at(BasicHeads<Float> heads, const Tile& tile, std::size_t positions, std::size_t first) const;
  void scores(const AttentionInputs& inputs, const Tile& tile, float* to) const;
  // Calls visit(mask and extents, index of its log sum, scores) for each row of a tile.
  template <typename Visit>
  void for_each_row(const AttentionInputs& inputs, const Tile& tile, float* rows, const Visit& visit) const;
  void keep(const kernels::KeepRule& rule, const kernels::ScoreRow& row, std::size_t query,
            float* values) const;
  void forward_row(const AttentionInputs& inputs, const kernels::ScoreRow& row, std::size_t query,
                   float* scores) const;
  // Turns scores into the probabilities that met the values, and their gradients into those of the scores.
  void backward_row(const AttentionInputs& inputs, const kernels::ScoreRow& row, std::size_t query,
                    float* scores, float* gradients) const;

  AttentionShape shape_;
  Arena& arena_;
  float scale_;
  int threads_;
  std::span<float> log_sums_;  // [samples, heads, queries]
};

}  // namespace sterna::tensor
