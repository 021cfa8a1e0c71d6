// Scaled dot-product attention of many heads, forward and backward: softmax(Q K' / sqrt(features)) V.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

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

// Multiply-adds of one sample's forward pass, of the pairs of query and key that count alone.
[[nodiscard]] double attention_multiplications(const AttentionShape& shape);

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

// A query that sees no key at all has an output of 0. Keeps what backward needs of the last forward().
class DotProductAttention {
 public:
  virtual ~DotProductAttention() = default;

  virtual void forward(const AttentionInputs& inputs, Heads output) = 0;

  // Overwrites the gradients of the inputs of the last forward(), which are handed over again.
  virtual void backward(const AttentionInputs& inputs, ConstHeads output_gradient, Heads query, Heads key,
                        Heads value) = 0;
};

}  // namespace sterna::tensor
