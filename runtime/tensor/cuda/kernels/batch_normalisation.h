// Batch normalisation of plain images [samples, channels, positions], as ../../batch_normalisation.h has it:
// float32 sums of each plane by the lanes of a warp, and float64 sums over samples in their order.
#pragma once

#include <cmath>

#include "runtime/tensor/cuda/kernels/elementwise.h"
#include "runtime/tensor/kernels/normalisation.h"

namespace sterna::tensor::cuda {

STERNA_DEVICE float clamped(const kernels::Clamp& clamp, float z) {
  if (z <= clamp.lower) return clamp.lower;
  return z >= clamp.upper ? clamp.upper : z;
}
STERNA_DEVICE float passed(const kernels::Clamp& clamp, float z, float gradient) {
  return z <= clamp.lower || z >= clamp.upper ? 0.0f : gradient;
}
STERNA_DEVICE float affine_of(const ChannelAffine& affine, std::uint32_t channel, float x) {
  return (x - affine.mean[channel]) * affine.scale[channel] + affine.shift[channel];
}

// Of each plane: the mean, and the sum of squares around it. A warp for each.
struct PlaneMoments {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, std::uint32_t planes,
                                std::uint32_t positions, float* means, float* squares) {
    const std::size_t plane = grid_warp(context);
    if (plane >= planes) return;
    const float* const x = input + plane * positions;
    float sum = 0.0f;
    for (std::uint32_t p = context.lane(); p < positions; p += kWarpLanes) sum += x[p];
    const float mean = warp_sum(context, sum) / static_cast<float>(positions);
    float square_sum = 0.0f;
    for (std::uint32_t p = context.lane(); p < positions; p += kWarpLanes) {
      square_sum += (x[p] - mean) * (x[p] - mean);
    }
    square_sum = warp_sum(context, square_sum);
    if (context.lane() != 0) return;
    means[plane] = mean;
    squares[plane] = square_sum;
  }
};

// From planes to channels; a thread for each channel.
struct CombineMoments {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, PlanePartials of, NormalisationExtents extents,
                                ChannelMoments out) {
    const float* const means = of.first;
    const float* const squares = of.second;
    for_each_element(context, extents.channels, [&](std::uint32_t c) {
      double sum = 0.0;
      double square_sum = 0.0;
      for (std::uint32_t b = 0; b < extents.samples; ++b) {
        sum += static_cast<double>(means[b * extents.channels + c]);
        square_sum += static_cast<double>(squares[b * extents.channels + c]);
      }
      const double mean = sum / static_cast<double>(extents.samples);
      for (std::uint32_t b = 0; b < extents.samples; ++b) {
        const double apart = static_cast<double>(means[b * extents.channels + c]) - mean;
        square_sum += static_cast<double>(extents.positions) * apart * apart;
      }
      out.means[c] = mean;
      out.variances[c] =
          square_sum / (static_cast<double>(extents.samples) * static_cast<double>(extents.positions));
    });
  }
};

// running = (1 - momentum) running + momentum batch, with the unbiased variance of `values` values a channel.
struct MoveStatistics {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, ChannelMoments batch, std::uint32_t channels,
                                double values, double momentum, float* means, float* variances) {
    const auto moved = [momentum](float from, double to) {
      return static_cast<float>((1.0 - momentum) * static_cast<double>(from) + momentum * to);
    };
    for_each_element(context, channels, [&](std::uint32_t c) {
      means[c] = moved(means[c], batch.means[c]);
      variances[c] = moved(variances[c], batch.variances[c] * values / (values - 1.0));
    });
  }
};

// From moments, of float32 where they come from elsewhere, to the affine map.
template <typename Moment>
struct SetAffine {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const Moment* means, const Moment* variances,
                                const float* scale, const float* shift, double epsilon,
                                std::uint32_t channels, ChannelAffine out) {
    for_each_element(context, channels, [&](std::uint32_t c) {
      out.mean[c] = static_cast<float>(means[c]);
      out.scale[c] = static_cast<float>(static_cast<double>(scale[c]) /
                                        std::sqrt(static_cast<double>(variances[c]) + epsilon));
      out.shift[c] = shift[c];
    });
  }
};

// output = clamp(affine(input) + addend); addend may be null.
struct NormaliseChannels {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, const float* addend,
                                ChannelAffine affine, kernels::Clamp clamp, NormalisationExtents extents,
                                float* output) {
    const std::uint32_t elements = extents.samples * extents.channels * extents.positions;
    for_each_element(context, elements, [&](std::uint32_t i) {
      const std::uint32_t channel = i / extents.positions % extents.channels;
      output[i] =
          clamped(clamp, affine_of(affine, channel, input[i]) + (addend == nullptr ? 0.0f : addend[i]));
    });
  }
};

// Of each plane: the sums of g and of g (x - mean), g being the gradient that the clamp lets through. With an
// addend the clamp goes by the output, and g is left in `gradient`; without, `output` is null.
struct PlaneGradients {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, const float* output,
                                ChannelAffine affine, kernels::Clamp clamp, NormalisationExtents extents,
                                float* gradient, PlanePartials out) {
    const std::size_t plane = grid_warp(context);
    if (plane >= std::size_t{extents.samples} * extents.channels) return;
    const std::uint32_t channel = static_cast<std::uint32_t>(plane) % extents.channels;
    const float mean = affine.mean[channel];
    float sum = 0.0f;
    float product = 0.0f;
    for (std::uint32_t p = context.lane(); p < extents.positions; p += kWarpLanes) {
      const std::size_t i = plane * extents.positions + p;
      const float z = output == nullptr ? affine_of(affine, channel, input[i]) : output[i];
      const float g = passed(clamp, z, gradient[i]);
      if (output != nullptr) gradient[i] = g;
      sum += g;
      product += g * (input[i] - mean);
    }
    sum = warp_sum(context, sum);
    product = warp_sum(context, product);
    if (context.lane() != 0) return;
    out.first[plane] = sum;
    out.second[plane] = product;
  }
};

// From planes to the gradients of scale and shift, and to what the gradient of the input needs.
struct CombineGradients {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, PlanePartials of, NormalisationExtents extents,
                                ChannelMoments moments, ChannelAffine affine, double epsilon,
                                ChannelSlopes slopes, float* scale, float* shift) {
    const double values = static_cast<double>(extents.samples) * static_cast<double>(extents.positions);
    for_each_element(context, extents.channels, [&](std::uint32_t c) {
      double sum = 0.0;
      double product = 0.0;
      for (std::uint32_t b = 0; b < extents.samples; ++b) {
        sum += static_cast<double>(of.first[b * extents.channels + c]);
        product += static_cast<double>(of.second[b * extents.channels + c]);
      }
      const double squared_scale = 1.0 / (moments.variances[c] + epsilon);
      const auto factor = static_cast<double>(affine.scale[c]);
      slopes.by_deviation[c] = static_cast<float>(-factor * squared_scale * product / values);
      slopes.constant[c] = static_cast<float>(-factor * sum / values);
      scale[c] = static_cast<float>(product * std::sqrt(squared_scale));
      shift[c] = static_cast<float>(sum);
    });
  }
};

// to = g * scale + (x - mean) * by_deviation + constant; may be in place.
struct NormalisationInputGradient {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, const float* gradient,
                                ChannelAffine affine, ChannelSlopes slopes, kernels::Clamp clamp,
                                NormalisationExtents extents, float* to) {
    const std::uint32_t elements = extents.samples * extents.channels * extents.positions;
    for_each_element(context, elements, [&](std::uint32_t i) {
      const std::uint32_t c = i / extents.positions % extents.channels;
      const float g = passed(clamp, affine_of(affine, c, input[i]), gradient[i]);
      to[i] = g * affine.scale[c] + (input[i] - affine.mean[c]) * slopes.by_deviation[c] + slopes.constant[c];
    });
  }
};

}  // namespace sterna::tensor::cuda
