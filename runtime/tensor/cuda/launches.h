// Every kernel that the operations enqueue, for files that cannot compile one. What is handed over lies in
// the device's memory, and is what ../operations.h says of the operation; tensors have fewer than 2^31
// elements. All throw CommError where CUDA refuses a launch.
//
// Defined in instances/, which on_cuda.cu compiles for GPUs; the stand-in for CUDA has them on the engine.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/device/stream_launcher.h"
#include "runtime/tensor/operations.h"

namespace sterna::tensor::cuda {

using Launcher = device::StreamLauncher;

// ---- Element by element ----

void enqueue_relu(Launcher& launch, std::span<const float> input, std::span<float> output);
void enqueue_relu_mask(Launcher& launch, std::span<const float> output, std::span<float> gradient);
void enqueue_add(Launcher& launch, std::span<const float> a, std::span<const float> b, std::span<float> sum);
void enqueue_multiply(Launcher& launch, std::span<const float> by, std::span<float> to);
void enqueue_scale(Launcher& launch, float factor, std::span<float> values);
void enqueue_gelu(Launcher& launch, std::span<const float> bias, std::span<float> rows,
                  std::span<float> output);

// to [..., channels, inner] += bias [channels], then max(., 0) if has_relu. Images have their positions as
// `inner`, rows 1.
struct BiasPlace {
  std::size_t inner = 1;
  bool has_relu = false;
};
void enqueue_bias(Launcher& launch, const BiasPlace& place, std::span<const float> bias, std::span<float> to);

//   bits  a word for each 32 elements
void enqueue_keep_bits(Launcher& launch, const kernels::KeepRule& rule, std::span<std::uint32_t> bits);
void enqueue_keep(Launcher& launch, std::span<const std::uint32_t> bits, float scale,
                  std::span<const float> input, std::span<float> output);

void enqueue_sgd(Launcher& launch, const SgdFactors& factors, std::span<const float> gradient,
                 std::span<float> velocity, std::span<float> parameters);
void enqueue_adam(Launcher& launch, const AdamFactors& factors, std::span<const float> gradient,
                  std::span<float> first, std::span<float> second, std::span<float> parameters);

// ---- Rows ----

// Memory that sums over rows need: enough for any.
inline constexpr std::size_t kRowSumPartials = std::size_t{1} << 17;

//   partials  kRowSumPartials, overwritten
void enqueue_row_sums(Launcher& launch, std::span<const float> rows, std::span<float> partials,
                      std::span<float> sums);
void enqueue_table(Launcher& launch, float factor, std::span<const float> input, std::span<const float> table,
                   std::span<float> output);
void enqueue_copy_rows(Launcher& launch, const RowExtents& extents, ConstRows from, Rows to);
void enqueue_swap_axes(Launcher& launch, const SwappedAxes& axes, const float* from, float* to);
void enqueue_position_means(Launcher& launch, std::size_t positions, ConstTensor input, Tensor output);
void enqueue_position_gradients(Launcher& launch, std::size_t positions, ConstTensor output_gradient,
                                Tensor input_gradient);
void enqueue_normalised_rows(Launcher& launch, const kernels::NormalisedRows& of,
                             std::span<const float> shift, float epsilon, float* output);
//   partials  as of enqueue_row_sums()
void enqueue_normalised_rows_backward(Launcher& launch, const kernels::NormalisedRows& of, float* gradient,
                                      std::span<float> partials, std::span<float> scale_gradient,
                                      std::span<float> shift_gradient);

// ---- Symbols ----

void enqueue_gathered_rows(Launcher& launch, const SymbolWindow& window, std::size_t features,
                           std::span<const float> table, std::span<float> rows);
void enqueue_scattered_rows(Launcher& launch, const SymbolWindow& window, std::size_t features,
                            std::span<const float> rows, std::span<float> table);
void enqueue_padding_mask(Launcher& launch, const SymbolWindow& window, std::span<float> mask);

// ---- Images, plain ----

// sums[plane] = sum over its positions; planes [sums.size(), positions].
void enqueue_plane_sums(Launcher& launch, std::span<const float> planes, std::span<float> sums);

struct PoolingExtents {
  std::uint32_t height, width;  // of the input
  std::uint32_t output_height, output_width;
  std::uint32_t window, stride, padding;  // of means, the window alone; 0 where their number is given
};
//   chosen  like the output: which place of its window each came from
void enqueue_max_pool(Launcher& launch, const PoolingExtents& extents, std::span<const float> input,
                      std::span<float> output, std::int32_t* chosen);
void enqueue_max_pool_backward(Launcher& launch, const PoolingExtents& extents, const float* output_gradient,
                               const std::int32_t* chosen, std::span<float> input_gradient);
void enqueue_average_pool(Launcher& launch, const PoolingExtents& extents, const float* input,
                          std::span<float> output);
void enqueue_average_pool_backward(Launcher& launch, const PoolingExtents& extents,
                                   const float* output_gradient, std::span<float> input_gradient);

struct NormalisationExtents {
  std::uint32_t samples, channels, positions;
};
// All [channels].
struct ChannelMoments {
  double* means;
  double* variances;  // biased
};
struct ChannelAffine {
  float* mean;
  float* scale;
  float* shift;
};
struct ChannelSlopes {
  float* by_deviation;
  float* constant;
};
// Of each plane [samples, channels], one number of each kind.
struct PlanePartials {
  float* first;
  float* second;
};
void enqueue_channel_moments(Launcher& launch, const NormalisationExtents& extents, const float* input,
                             const PlanePartials& partials, const ChannelMoments& moments);
void enqueue_moved_statistics(Launcher& launch, const NormalisationExtents& extents,
                              const ChannelMoments& moments, double momentum, float* means, float* variances);
void enqueue_affine(Launcher& launch, const ChannelMoments& moments, const ScaleAndShift& learned,
                    double epsilon, const ChannelAffine& affine);
void enqueue_affine(Launcher& launch, std::span<const float> means, std::span<const float> variances,
                    const ScaleAndShift& learned, double epsilon, const ChannelAffine& affine);
//   addend  may be null
void enqueue_normalised_channels(Launcher& launch, const NormalisationExtents& extents,
                                 const ChannelAffine& affine, const kernels::Clamp& clamp, const float* input,
                                 const float* addend, float* output);
//   output  null where there was no addend; else `gradient` becomes what the clamp lets through
void enqueue_channel_gradients(Launcher& launch, const NormalisationExtents& extents,
                               const ChannelAffine& affine, const kernels::Clamp& clamp, const float* input,
                               const float* output, float* gradient, const PlanePartials& partials);
void enqueue_combined_gradients(Launcher& launch, const NormalisationExtents& extents,
                                const PlanePartials& partials, const ChannelMoments& moments,
                                const ChannelAffine& affine, double epsilon, const ChannelSlopes& slopes,
                                std::span<float> scale, std::span<float> shift);
void enqueue_channel_input_gradient(Launcher& launch, const NormalisationExtents& extents,
                                    const ChannelAffine& affine, const ChannelSlopes& slopes,
                                    const kernels::Clamp& clamp, const float* input, const float* gradient,
                                    float* to);

// ---- Sequences ----

void enqueue_lstm_forward(Launcher& launch, const LstmStep& step, const LstmCellsForward& cells);
void enqueue_lstm_backward(Launcher& launch, const LstmStep& step, const LstmCellsBackward& cells);

// Rows first_row to first_row + rows - 1 of [samples, heads, queries]; scores begin with the first of them.
struct AttentionRows {
  std::size_t first_row;
  std::uint32_t rows;
  std::uint32_t heads, queries, keys;
  float scale;
  bool is_causal;
  const float* key_mask;  // [samples, keys]; or null
  bool has_dropout;
  kernels::KeepRule dropout;
};
// Scores become the probabilities that meet the values.
//   scores    [rows, keys]
//   log_sums  [samples, heads, queries]
void enqueue_attention(Launcher& launch, const AttentionRows& rows, float* scores, float* log_sums);
// Scores become the probabilities that met the values, and their gradients those of the scores.
void enqueue_attention_backward(Launcher& launch, const AttentionRows& rows, const float* log_sums,
                                float* scores, float* gradients);

// ---- Loss ----

struct LossExtents {
  std::uint32_t rows, classes;
};
// Of each row; both 0 where the label is negative.
struct RowScores {
  double* losses;
  std::uint32_t* is_correct;
};
void enqueue_row_scores(Launcher& launch, const LossExtents& extents, const CrossEntropyOptions& options,
                        const float* logits, const std::int32_t* labels, const RowScores& scores,
                        float* gradient);
void enqueue_top5(Launcher& launch, const LossExtents& extents, const float* logits,
                  const std::int32_t* labels, const double* losses, std::uint32_t* is_in_top5);

}  // namespace sterna::tensor::cuda
