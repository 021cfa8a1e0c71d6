#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/makers.h"
#include "runtime/tensor/cuda/matrix_products.h"

namespace sterna::tensor::cuda {
namespace {

constexpr bool kTransposed = true;

std::uint32_t extent(std::size_t value) {
  STERNA_CHECK(value < (std::size_t{1} << 31));
  return static_cast<std::uint32_t>(value);
}

// Some samples, side by side.
struct Samples {
  std::size_t first, count;
};

// A matrix of each head of each sample: those of one sample's heads, and of one head's samples, lie evenly.
template <typename Float>
struct HeadMatrices {
  Float* data;  // of the first sample's first head
  std::size_t row_stride, head_stride, sample_stride;
  bool is_transposed = false;
};

class Attention final : public DotProductAttention {
 public:
  Attention(const AttentionShape& shape, Arena& arena, DeviceStream& stream, std::size_t score_bytes)
      : shape_(shape),
        arena_(arena),
        stream_(stream),
        log_sums_(arena.reserve(shape.samples * shape.heads * shape.queries)) {
    STERNA_CHECK((!shape.is_causal || shape.queries == shape.keys) == true);
    const std::size_t of_sample = shape.heads * shape.queries * shape.keys;
    samples_at_once_ = std::clamp<std::size_t>(score_bytes / (of_sample * sizeof(float)), 1, shape.samples);
    score_elements_ = samples_at_once_ * of_sample;
    arena.reserve_scratch(2 * score_elements_ * sizeof(float));
  }

  void forward(const AttentionInputs& inputs, Heads output) override {
    for_each_part([&](const Samples& samples) {
      compute_scores(inputs, samples);
      enqueue_attention(stream_.launch(), rows_of(inputs, samples), scores(), log_sums_.data());
      // context = probabilities * values
      multiply_heads(samples, {shape_.queries, shape_.features, shape_.keys},
                     of_scores<const float>(scores()), of_heads(inputs.value, samples, shape_.keys),
                     of_heads(output, samples, shape_.queries));
    });
  }

  void backward(const AttentionInputs& inputs, ConstHeads output_gradient, Heads query, Heads key,
                Heads value) override {
    for_each_part([&](const Samples& samples) {
      const auto above = of_heads(output_gradient, samples, shape_.queries);
      compute_scores(inputs, samples);
      multiply_heads(samples, {shape_.queries, shape_.keys, shape_.features}, above,
                     turned(of_heads(inputs.value, samples, shape_.keys)), of_scores<float>(gradients()));
      enqueue_attention_backward(stream_.launch(), rows_of(inputs, samples), log_sums_.data(), scores(),
                                 gradients());
      const auto of_gradients = of_scores<const float>(gradients());
      const ProductExtents to_keys{shape_.keys, shape_.features, shape_.queries};
      multiply_heads(samples, to_keys, turned(of_scores<const float>(scores())), above,
                     of_heads(value, samples, shape_.keys));
      multiply_heads(samples, to_keys, turned(of_gradients), of_heads(inputs.query, samples, shape_.queries),
                     of_heads(key, samples, shape_.keys));
      multiply_heads(samples, {shape_.queries, shape_.features, shape_.keys}, of_gradients,
                     of_heads(inputs.key, samples, shape_.keys), of_heads(query, samples, shape_.queries));
    });
  }

 private:
  using ConstMatrices = HeadMatrices<const float>;

  template <typename Visit>
  void for_each_part(const Visit& visit) const {
    for (std::size_t first = 0; first < shape_.samples; first += samples_at_once_) {
      visit(Samples{first, std::min(samples_at_once_, shape_.samples - first)});
    }
  }

  [[nodiscard]] float* scores() const { return reinterpret_cast<float*>(arena_.scratch()); }
  [[nodiscard]] float* gradients() const { return scores() + score_elements_; }

  template <typename Float>
  [[nodiscard]] HeadMatrices<Float> of_heads(BasicHeads<Float> heads, const Samples& samples,
                                             std::size_t positions) const {
    return {.data = heads.data + samples.first * positions * heads.stride,
            .row_stride = heads.stride,
            .head_stride = shape_.features,
            .sample_stride = positions * heads.stride};
  }
  template <typename Float>
  [[nodiscard]] HeadMatrices<Float> of_scores(float* data) const {
    return {.data = data,
            .row_stride = shape_.keys,
            .head_stride = shape_.queries * shape_.keys,
            .sample_stride = shape_.heads * shape_.queries * shape_.keys};
  }
  [[nodiscard]] static ConstMatrices turned(ConstMatrices matrices) {
    matrices.is_transposed = kTransposed;
    return matrices;
  }

  [[nodiscard]] AttentionRows rows_of(const AttentionInputs& inputs, const Samples& samples) const {
    const std::size_t of_sample = shape_.heads * shape_.queries;
    return {.first_row = samples.first * of_sample,
            .rows = extent(samples.count * of_sample),
            .heads = extent(shape_.heads),
            .queries = extent(shape_.queries),
            .keys = extent(shape_.keys),
            .scale = 1.0f / std::sqrt(static_cast<float>(shape_.features)),
            .is_causal = shape_.is_causal,
            .key_mask = inputs.key_mask.empty() ? nullptr : inputs.key_mask.data(),
            .has_dropout = inputs.dropout.has_value(),
            .dropout = inputs.dropout.value_or(kernels::KeepRule{})};
  }

  void compute_scores(const AttentionInputs& inputs, const Samples& samples) const {
    multiply_heads(samples, {shape_.queries, shape_.keys, shape_.features},
                   of_heads(inputs.query, samples, shape_.queries),
                   turned(of_heads(inputs.key, samples, shape_.keys)), of_scores<float>(scores()));
  }

  // A batch of samples for each head, or of heads for each sample, whichever makes fewer calls.
  void multiply_heads(const Samples& samples, const ProductExtents& extents, const ConstMatrices& a,
                      const ConstMatrices& b, const HeadMatrices<float>& result) const {
    const bool batches_samples = shape_.heads <= samples.count;
    const std::size_t calls = batches_samples ? shape_.heads : samples.count;
    const auto of_call = [&](const auto& matrices) {
      return batches_samples ? matrices.head_stride : matrices.sample_stride;
    };
    const auto of_product = [&](const auto& matrices) {
      return batches_samples ? matrices.sample_stride : matrices.head_stride;
    };
    const Batch batch{.products = batches_samples ? samples.count : shape_.heads,
                      .a = of_product(a),
                      .b = of_product(b),
                      .result = of_product(result)};
    for (std::size_t call = 0; call < calls; ++call) {
      multiply_batch(stream_.libraries(), batch, extents,
                     {a.data + call * of_call(a), a.row_stride, a.is_transposed},
                     {b.data + call * of_call(b), b.row_stride, b.is_transposed},
                     {result.data + call * of_call(result), result.row_stride});
    }
  }

  AttentionShape shape_;
  Arena& arena_;
  DeviceStream& stream_;
  std::span<float> log_sums_;  // [samples, heads, queries]
  std::size_t samples_at_once_ = 0;
  std::size_t score_elements_ = 0;
};

}  // namespace

std::unique_ptr<DotProductAttention> make_attention(const AttentionShape& shape, Arena& arena,
                                                    DeviceStream& stream, std::size_t score_bytes) {
  return std::make_unique<Attention>(shape, arena, stream, score_bytes);
}

}  // namespace sterna::tensor::cuda
