// The softmax of attention's scores [samples, heads, queries, keys], forward and backward: a warp for each
// query of each head. As ../../kernels/kernels.h has it, with dropout as in ../../attention.h.
#pragma once

#include <cmath>
#include <limits>

#include "runtime/tensor/cuda/kernels/softmax_cross_entropy.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::cuda {

// Element `index` of the stream.
STERNA_DEVICE bool is_kept(const kernels::KeepRule& rule, std::uint64_t index) {
  const RandomBlock block = random_block(rule.key, index);
  const auto random = philox(block.counter, block.key);
  // An index that is not known when it is compiled would put the words into memory.
  const auto place = static_cast<unsigned>(index % 4);
  const std::uint32_t low = place == 0 ? random[0] : random[1];
  const std::uint32_t high = place == 2 ? random[2] : random[3];
  return (place < 2 ? low : high) >= rule.drop_below;
}

// What the lanes of one warp share.
struct AttentionRow {
  STERNA_DEVICE AttentionRow(const AttentionRows& all, std::uint32_t number)
      : row(all.first_row + number),
        seen(all.is_causal ? static_cast<std::uint32_t>(row % all.queries) + 1 : all.keys),
        mask(all.key_mask == nullptr
                 ? nullptr
                 : all.key_mask + row / (std::size_t{all.heads} * all.queries) * all.keys),
        stream(row * ((all.keys + 3) / 4 * 4)) {}

  STERNA_DEVICE float scaled(const AttentionRows& all, std::uint32_t key, float score) const {
    return score * all.scale + (mask == nullptr ? 0.0f : mask[key]);
  }
  STERNA_DEVICE float kept(const AttentionRows& all, std::uint32_t key, float value) const {
    if (!all.has_dropout) return value;
    return is_kept(all.dropout, stream + key) ? value * all.dropout.scale : 0.0f;
  }

  std::size_t row;
  std::uint32_t seen;  // keys; the others count for nothing
  const float* mask;
  std::uint64_t stream;  // of its first key's dropout
};

// Scores become the probabilities that meet the values.
struct AttentionForward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, AttentionRows all, float* scores,
                                float* log_sums) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const std::size_t number = grid_warp(context);
    if (number >= all.rows) return;
    const AttentionRow row(all, static_cast<std::uint32_t>(number));
    float* const of_row = scores + number * all.keys;
    float largest = -kInfinity;
    for (std::uint32_t k = context.lane(); k < row.seen; k += kWarpLanes) {
      const float score = row.scaled(all, k, of_row[k]);
      of_row[k] = score;
      if (score > largest) largest = score;
    }
    largest = warp_max(context, largest);
    const bool has_key = largest != -kInfinity;
    float sum = 0.0f;
    for (std::uint32_t k = context.lane(); k < row.seen; k += kWarpLanes) {
      const float exponential = has_key ? std::exp(of_row[k] - largest) : 0.0f;
      of_row[k] = exponential;
      sum += exponential;
    }
    sum = warp_sum(context, sum);
    const float factor = has_key ? 1.0f / sum : 0.0f;
    for (std::uint32_t k = context.lane(); k < all.keys; k += kWarpLanes) {
      of_row[k] = k < row.seen ? row.kept(all, k, of_row[k] * factor) : 0.0f;
    }
    if (context.lane() == 0) log_sums[row.row] = has_key ? largest + std::log(sum) : kInfinity;
  }
};

// Scores become the probabilities that met the values, and their gradients become those of the scores.
struct AttentionBackward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, AttentionRows all, const float* log_sums,
                                float* scores, float* gradients) {
    const std::size_t number = grid_warp(context);
    if (number >= all.rows) return;
    const AttentionRow row(all, static_cast<std::uint32_t>(number));
    float* const of_row = scores + number * all.keys;
    float* const above = gradients + number * all.keys;
    const float log_sum = log_sums[row.row];
    float sum = 0.0f;
    for (std::uint32_t k = context.lane(); k < row.seen; k += kWarpLanes) {
      const float probability = std::exp(row.scaled(all, k, of_row[k]) - log_sum);
      of_row[k] = probability;
      above[k] = row.kept(all, k, above[k]);
      sum += probability * above[k];
    }
    sum = warp_sum(context, sum);
    for (std::uint32_t k = context.lane(); k < all.keys; k += kWarpLanes) {
      const bool is_seen = k < row.seen;
      const float probability = is_seen ? of_row[k] : 0.0f;
      above[k] = is_seen ? all.scale * probability * (above[k] - sum) : 0.0f;
      of_row[k] = is_seen ? row.kept(all, k, probability) : 0.0f;
    }
  }
};

}  // namespace sterna::tensor::cuda
