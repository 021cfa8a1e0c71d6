#pragma once

#include "runtime/tensor/cuda/instances/extents.h"
#include "runtime/tensor/cuda/kernels/batch_normalisation.h"
#include "runtime/tensor/cuda/kernels/pooling.h"

namespace sterna::tensor::cuda {

void enqueue_plane_sums(Launcher& launch, std::span<const float> planes, std::span<float> sums) {
  STERNA_CHECK((planes.size() % sums.size()) == 0u);
  launch(SumPlanes{}, ceil_div(sums.size(), kBlockWarps), planes.data(), checked_extent(sums.size()),
         checked_extent(planes.size() / sums.size()), sums.data());
}

void enqueue_max_pool(Launcher& launch, const PoolingExtents& extents, std::span<const float> input,
                      std::span<float> output, std::int32_t* chosen) {
  launch(MaxPoolForward{}, list_blocks(output.size()), input.data(), extents, checked_extent(output.size()),
         output.data(), chosen);
}

void enqueue_max_pool_backward(Launcher& launch, const PoolingExtents& extents, const float* output_gradient,
                               const std::int32_t* chosen, std::span<float> input_gradient) {
  launch(MaxPoolBackward{}, list_blocks(input_gradient.size()), output_gradient, chosen, extents,
         checked_extent(input_gradient.size()), input_gradient.data());
}

void enqueue_average_pool(Launcher& launch, const PoolingExtents& extents, const float* input,
                          std::span<float> output) {
  launch(AveragePoolForward{}, list_blocks(output.size()), input, extents, checked_extent(output.size()),
         output.data());
}

void enqueue_average_pool_backward(Launcher& launch, const PoolingExtents& extents,
                                   const float* output_gradient, std::span<float> input_gradient) {
  launch(AveragePoolBackward{}, list_blocks(input_gradient.size()), output_gradient, extents,
         checked_extent(input_gradient.size()), input_gradient.data());
}

inline std::size_t planes_of(const NormalisationExtents& extents) {
  return std::size_t{extents.samples} * extents.channels;
}

void enqueue_channel_moments(Launcher& launch, const NormalisationExtents& extents, const float* input,
                             const PlanePartials& partials, const ChannelMoments& moments) {
  launch(PlaneMoments{}, ceil_div(planes_of(extents), kBlockWarps), input, checked_extent(planes_of(extents)),
         extents.positions, partials.first, partials.second);
  launch(CombineMoments{}, list_blocks(extents.channels), partials, extents, moments);
}

void enqueue_moved_statistics(Launcher& launch, const NormalisationExtents& extents,
                              const ChannelMoments& moments, double momentum, float* means,
                              float* variances) {
  const double values = static_cast<double>(extents.samples) * static_cast<double>(extents.positions);
  launch(MoveStatistics{}, list_blocks(extents.channels), moments, extents.channels, values, momentum, means,
         variances);
}

void enqueue_affine(Launcher& launch, const ChannelMoments& moments, const ScaleAndShift& learned,
                    double epsilon, const ChannelAffine& affine) {
  launch(SetAffine<double>{}, list_blocks(learned.scale.size()),
         std::span<const double>(moments.means, 1).data(),
         std::span<const double>(moments.variances, 1).data(), learned.scale.data(), learned.shift.data(),
         epsilon, checked_extent(learned.scale.size()), affine);
}

void enqueue_affine(Launcher& launch, std::span<const float> means, std::span<const float> variances,
                    const ScaleAndShift& learned, double epsilon, const ChannelAffine& affine) {
  launch(SetAffine<float>{}, list_blocks(learned.scale.size()), means.data(), variances.data(),
         learned.scale.data(), learned.shift.data(), epsilon, checked_extent(learned.scale.size()), affine);
}

void enqueue_normalised_channels(Launcher& launch, const NormalisationExtents& extents,
                                 const ChannelAffine& affine, const kernels::Clamp& clamp, const float* input,
                                 const float* addend, float* output) {
  launch(NormaliseChannels{}, list_blocks(planes_of(extents) * extents.positions), input, addend, affine,
         clamp, extents, output);
}

void enqueue_channel_gradients(Launcher& launch, const NormalisationExtents& extents,
                               const ChannelAffine& affine, const kernels::Clamp& clamp, const float* input,
                               const float* output, float* gradient, const PlanePartials& partials) {
  launch(PlaneGradients{}, ceil_div(planes_of(extents), kBlockWarps), input, output, affine, clamp, extents,
         gradient, partials);
}

void enqueue_combined_gradients(Launcher& launch, const NormalisationExtents& extents,
                                const PlanePartials& partials, const ChannelMoments& moments,
                                const ChannelAffine& affine, double epsilon, const ChannelSlopes& slopes,
                                std::span<float> scale, std::span<float> shift) {
  launch(CombineGradients{}, list_blocks(extents.channels), partials, extents, moments, affine, epsilon,
         slopes, scale.data(), shift.data());
}

void enqueue_channel_input_gradient(Launcher& launch, const NormalisationExtents& extents,
                                    const ChannelAffine& affine, const ChannelSlopes& slopes,
                                    const kernels::Clamp& clamp, const float* input, const float* gradient,
                                    float* to) {
  launch(NormalisationInputGradient{}, list_blocks(planes_of(extents) * extents.positions), input, gradient,
         affine, slopes, clamp, extents, to);
}

}  // namespace sterna::tensor::cuda
