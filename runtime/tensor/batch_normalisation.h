// Normalises each channel over batch, rows and columns, with an addition and a clamp behind it in one pass.
//
// Training reads the input twice (moments, then output) and writes once; backward reads input and gradient
// twice (sums, then input gradient) and writes once. Sums over a sample are float32, those over samples
// float64 in the order of samples, so that results do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/core/aligned_vector.h"
#include "runtime/tensor/kernels/normalisation.h"
#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// The learned factor and offset of each channel; each [channels].
struct ScaleAndShift {
  std::span<const float> scale;
  std::span<const float> shift;
};

class BatchNormalisation {
 public:
  // Input [B, channels, height, width] in any layout, with at least 2 values a channel; the output has its
  // form.
  //   epsilon  added to the variance
  BatchNormalisation(const TensorForm& form, double epsilon, kernels::Clamp clamp);

  // Values of each channel: B * height * width.
  [[nodiscard]] std::size_t values_per_channel() const { return samples_ * patch_.positions; }

  // output = clamp((input - mean) / sqrt(variance + epsilon) * scale + shift + addend), with mean and
  // variance of the input itself.
  //   addend  as the input; its data may be null: none
  void forward_batch(ConstTensor input, const ScaleAndShift& learned, ConstTensor addend, Tensor output);

  // Of the last forward_batch(), [channels]; the variance is the biased one, divided by values_per_channel().
  [[nodiscard]] std::span<const double> means() const { return std::span(means_).first(channels_); }
  [[nodiscard]] std::span<const double> variances() const { return std::span(variances_).first(channels_); }

  // The same with means and variances from elsewhere, [channels]; for evaluation.
  void forward_with(std::span<const float> means, std::span<const float> variances, ConstTensor input,
                    const ScaleAndShift& learned, ConstTensor addend, Tensor output);

  // The first half of backward, for the last forward_batch(): overwrites the gradients of scale and shift.
  // Where there was an addend, `output` is that call's output, and the output gradient becomes the addend's.
  void reduce_gradient(ConstTensor input, ConstTensor output, Tensor output_gradient, std::span<float> scale,
                       std::span<float> shift);

  // The second half, for the gradient that the first one left; may be in place.
  void input_gradient(ConstTensor input, ConstTensor output_gradient, Tensor input_gradient);

 private:
  void set_affine(const ScaleAndShift& learned);
  void normalise(ConstTensor input, ConstTensor addend, Tensor output);
  void combine_moments();

  // Calls visit(first element, first channel, place of its sums in partials) for each sample's patches.
  template <typename Visit>
  void for_each_patch(const Visit& visit) const;

  [[nodiscard]] kernels::Affine affine_at(std::size_t channel) const {
    return {mean_.data() + channel, scale_.data() + channel, shift_.data() + channel};
  }

  const kernels::NormalisationKernels& kernels_;
  double epsilon_;
  kernels::Clamp clamp_;
  std::size_t samples_;
  std::size_t channels_;
  std::size_t padded_channels_;  // whole patches
  kernels::Patch patch_;
  bool has_addend_ = false;
  std::vector<double> means_, variances_;                  // [padded channels]
  AlignedVector<float> mean_, scale_, shift_;              // the affine map, [padded channels]
  AlignedVector<float> by_deviation_, constant_;           // of backward, [padded channels]
  AlignedVector<float> first_partials_, second_partials_;  // [B, padded channels]
};

}  // namespace sterna::tensor
