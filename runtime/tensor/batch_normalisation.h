// ChannelNormalisation on the processor.
//
// Training reads the input twice (moments, then output) and writes once; backward reads input and gradient
// twice (sums, then input gradient) and writes once. Sums over a sample are float32, those over samples
// float64 in the order of samples, so that results do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/core/aligned_vector.h"
#include "runtime/tensor/channel_normalisation.h"

namespace sterna::tensor {

class BatchNormalisation final : public ChannelNormalisation {
 public:
  BatchNormalisation(const TensorForm& form, double epsilon, kernels::Clamp clamp);

  void forward_batch(ConstTensor input, const ScaleAndShift& learned, ConstTensor addend,
                     Tensor output) override;
  void move_statistics(double momentum, std::span<float> means, std::span<float> variances) override;
  void forward_with(std::span<const float> means, std::span<const float> variances, ConstTensor input,
                    const ScaleAndShift& learned, ConstTensor addend, Tensor output) override;
  void reduce_gradient(ConstTensor input, ConstTensor output, Tensor output_gradient, std::span<float> scale,
                       std::span<float> shift) override;
  void input_gradient(ConstTensor input, ConstTensor output_gradient, Tensor input_gradient) override;

 private:
  [[nodiscard]] std::size_t values_per_channel() const { return samples_ * patch_.positions; }
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
