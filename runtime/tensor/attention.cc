#include "runtime/tensor/attention.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/core/errors.h"
#include "runtime/tensor/blas/activation_product.h"

namespace sterna::tensor {
namespace {

// Two tiles of 64 queries by some hundred keys stay in the L2 cache; under a causal mask, tiles skip what
// their last query does not see.
constexpr std::size_t kTileQueries = 64;
constexpr bool kTransposed = true;

}  // namespace

Attention::Attention(const AttentionShape& shape, Arena& arena)
    : shape_(shape),
      arena_(arena),
      scale_(1.0f / std::sqrt(static_cast<float>(shape.features))),
      threads_(omp_get_max_threads()),
      log_sums_(arena.reserve(shape.samples * shape.heads * shape.queries)) {
  STERNA_CHECK((!shape.is_causal || shape.queries == shape.keys) == true);
  arena.reserve_scratch(static_cast<std::size_t>(threads_) * 2 * kTileQueries * shape.keys * sizeof(float));
}

double attention_multiplications(const AttentionShape& shape) {
  const auto queries = static_cast<double>(shape.queries);
  const double pairs =
      shape.is_causal ? queries * (queries + 1.0) / 2.0 : queries * static_cast<double>(shape.keys);
  return 2.0 * pairs * static_cast<double>(shape.heads * shape.features);
}

// Calls visit(sample, head, two tiles of memory); heads share nothing, so the bits do not depend on threads.
template <typename Visit>
void Attention::for_each_head(const Visit& visit) {
  const std::size_t heads = shape_.samples * shape_.heads;
  const std::size_t tile_elements = kTileQueries * shape_.keys;
  auto* scratch = reinterpret_cast<float*>(arena_.scratch());
#pragma omp parallel for num_threads(threads_) if (threads_ > 1)
  for (std::size_t i = 0; i < heads; ++i) {
    float* tiles = scratch + static_cast<std::size_t>(omp_get_thread_num()) * 2 * tile_elements;
    visit(i / shape_.heads, i % shape_.heads, tiles, tiles + tile_elements);
  }
}

// The last tile comes first.
template <typename Visit>
void Attention::for_each_tile(std::size_t sample, std::size_t head, const Visit& visit) const {
  std::size_t end = shape_.queries;
  while (end > 0) {
    const std::size_t first = (end - 1) / kTileQueries * kTileQueries;
    const std::size_t queries = end - first;
    end = first;
    visit(Tile{.sample = sample,
               .head = head,
               .first = first,
               .queries = queries,
               .keys = shape_.is_causal ? first + queries : shape_.keys});
  }
}

template <typename Float>
Float* Attention::at(BasicHeads<Float> heads, const Tile& tile, std::size_t positions,
                     std::size_t first) const {
  return heads.data + (tile.sample * positions + first) * heads.stride + tile.head * shape_.features;
}

void Attention::scores(const AttentionInputs& inputs, const Tile& tile, float* to) const {
  multiply_activations({.rows = tile.queries, .columns = tile.keys, .inner = shape_.features},
                       {at(inputs.query, tile, shape_.queries, tile.first), inputs.query.stride},
                       {at(inputs.key, tile, shape_.keys, 0), inputs.key.stride, kTransposed}, to, tile.keys);
}

template <typename Visit>
void Attention::for_each_row(const AttentionInputs& inputs, const Tile& tile, float* rows,
                             const Visit& visit) const {
  const float* mask = inputs.key_mask.empty() ? nullptr : inputs.key_mask.data() + tile.sample * shape_.keys;
  for (std::size_t q = 0; q < tile.queries; ++q) {
    const kernels::ScoreRow row{.mask = mask,
                                .scale = scale_,
                                .keys = shape_.is_causal ? tile.first + q + 1 : tile.keys,
                                .columns = tile.keys};
    visit(row, (tile.sample * shape_.heads + tile.head) * shape_.queries + tile.first + q,
          rows + q * tile.keys);
  }
}

// Drops what the rule drops of one query's row, in place, in pieces whose bits fit the stack.
void Attention::keep(const kernels::KeepRule& rule, const kernels::ScoreRow& row, std::size_t query,
                     float* values) const {
  constexpr std::size_t kPiece = 1024;
  std::uint32_t bits[kPiece / 32];
  const kernels::Kernels& with = kernels::fastest_kernels();
  const std::uint64_t first = static_cast<std::uint64_t>(query) * ((shape_.keys + 3) / 4 * 4);
  for (std::size_t begin = 0; begin < row.keys; begin += kPiece) {
    const std::size_t elements = std::min(kPiece, row.keys - begin);
    with.draw_keep_bits(rule, first + begin, elements, bits);
    with.keep(values + begin, bits, rule.scale, elements, values + begin);
  }
}

void Attention::forward_row(const AttentionInputs& inputs, const kernels::ScoreRow& row, std::size_t query,
                            float* scores) const {
  const kernels::Kernels& with = kernels::fastest_kernels();
  log_sums_[query] = with.softmax(row, scores);
  if (inputs.dropout) keep(*inputs.dropout, row, query, scores);
}

void Attention::backward_row(const AttentionInputs& inputs, const kernels::ScoreRow& row, std::size_t query,
                             float* scores, float* gradients) const {
  const kernels::Kernels& with = kernels::fastest_kernels();
  with.softmax_again(row, log_sums_[query], scores);
  if (!inputs.dropout) return with.softmax_backward(scores, scale_, row.columns, gradients);
  keep(*inputs.dropout, row, query, gradients);
  with.softmax_backward(scores, scale_, row.columns, gradients);
  keep(*inputs.dropout, row, query, scores);
}

void Attention::forward(const AttentionInputs& inputs, Heads output) {
  for_each_head([&](std::size_t sample, std::size_t head, float* probabilities, float*) {
    for_each_tile(sample, head, [&](const Tile& tile) {
      scores(inputs, tile, probabilities);
      for_each_row(inputs, tile, probabilities,
                   [&](const kernels::ScoreRow& row, std::size_t query, float* of_row) {
                     forward_row(inputs, row, query, of_row);
                   });
      multiply_activations({.rows = tile.queries, .columns = shape_.features, .inner = tile.keys},
                           {probabilities, tile.keys},
                           {at(inputs.value, tile, shape_.keys, 0), inputs.value.stride},
                           at(output, tile, shape_.queries, tile.first), output.stride);
    });
  });
}

void Attention::backward(const AttentionInputs& inputs, ConstHeads output_gradient, Heads query, Heads key,
                         Heads value) {
  for_each_head([&](std::size_t sample, std::size_t head, float* probabilities, float* gradients) {
    for_each_tile(sample, head, [&](const Tile& tile) {
      const std::size_t stride = tile.keys;
      const float* above = at(output_gradient, tile, shape_.queries, tile.first);
      scores(inputs, tile, probabilities);
      multiply_activations({.rows = tile.queries, .columns = tile.keys, .inner = shape_.features},
                           {above, output_gradient.stride},
                           {at(inputs.value, tile, shape_.keys, 0), inputs.value.stride, kTransposed},
                           gradients, stride);
      for_each_row(inputs, tile, probabilities,
                   [&](const kernels::ScoreRow& row, std::size_t of_query, float* of_row) {
                     backward_row(inputs, row, of_query, of_row, gradients + (of_row - probabilities));
                   });
      // The first tile of a head sees all of its keys and overwrites; the others add.
      const ActivationProduct to_keys{.rows = tile.keys,
                                      .columns = shape_.features,
                                      .inner = tile.queries,
                                      .is_added = tile.first + tile.queries != shape_.queries};
      multiply_activations(to_keys, {probabilities, stride, kTransposed}, {above, output_gradient.stride},
                           at(value, tile, shape_.keys, 0), value.stride);
      multiply_activations(to_keys, {gradients, stride, kTransposed},
                           {at(inputs.query, tile, shape_.queries, tile.first), inputs.query.stride},
                           at(key, tile, shape_.keys, 0), key.stride);
      multiply_activations({.rows = tile.queries, .columns = shape_.features, .inner = tile.keys},
                           {gradients, stride}, {at(inputs.key, tile, shape_.keys, 0), inputs.key.stride},
                           at(query, tile, shape_.queries, tile.first), query.stride);
    });
  });
}

}  // namespace sterna::tensor
