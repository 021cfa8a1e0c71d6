// Scaled dot-product attention of many heads, forward and backward: softmax(Q K' / sqrt(features)) V.
//
// Probabilities exist for a tile of queries of one head at a time. What lasts from forward to backward is one
// number a query, the logarithm of its row's sum of exponentials, from which backward computes them again
// (Dao et al., FlashAttention, NeurIPS 2022, arXiv:2205.14135).
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor {

struct AttentionShape {
  std::size_t samples;
  std::size_t heads;
  std::size_t queries;     // positions
  std::size_t keys;        // positions
  std::size_t features;    // of one head
  bool is_causal = false;  // query q sees keys 0 to q alone; queries == keys
};

// [samples, positions, stride]: columns h * features to (h + 1) * features - 1 belong to head h.
template <typename Float>
struct BasicHeads {
  Float* data;
  std::size_t stride;
};
using Heads = BasicHeads<float>;
using ConstHeads = BasicHeads<const float>;

struct AttentionInputs {
  ConstHeads query, key, value;
  std::span<const float>
      key_mask;  // [samples, keys], 0 or -infinity where a key counts for nothing; or empty
  // Dropout of probabilities: of key k in row r of [samples, heads, queries], element r K + k of the stream,
  // where K is the number of keys rounded up to a multiple of 4. Nothing of it is stored; backward draws the
  // same again.
  std::optional<kernels::KeepRule> dropout{};
};

// A query that sees no key at all has an output of 0.
class Attention {
 public:
  Attention(const AttentionShape& shape, Arena& arena);

  void forward(const AttentionInputs& inputs, Heads output);

  // Overwrites the gradients of the inputs of the last forward().
  void backward(const AttentionInputs& inputs, ConstHeads output_gradient, Heads query, Heads key,
                Heads value);

  // Multiply-adds of one sample's forward pass, of the pairs of query and key that count alone.
  [[nodiscard]] double multiplications() const;

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
