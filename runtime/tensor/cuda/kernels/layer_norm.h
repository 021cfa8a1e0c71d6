// Layer normalisation and GELU: what they compute stands in ../../kernels/kernels.h. Rows are summed by the
// lanes of a warp, columns by SumRows' order.
#pragma once

#include <cmath>

#include "runtime/tensor/cuda/kernels/elementwise.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::cuda {

// A warp for each row.
struct NormaliseRows {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, kernels::NormalisedRows of, const float* shift,
                                float epsilon, float* output) {
    const std::size_t row = grid_warp(context);
    if (row >= of.rows) return;
    const float* const in = of.input + row * of.features;
    const auto count = static_cast<float>(of.features);
    float sum = 0.0f;
    for (std::size_t i = context.lane(); i < of.features; i += kWarpLanes) sum += in[i];
    const float mean = warp_sum(context, sum) / count;
    float squares = 0.0f;
    for (std::size_t i = context.lane(); i < of.features; i += kWarpLanes) {
      squares += (in[i] - mean) * (in[i] - mean);
    }
    const float inverse = 1.0f / std::sqrt(warp_sum(context, squares) / count + epsilon);
    for (std::size_t i = context.lane(); i < of.features; i += kWarpLanes) {
      output[row * of.features + i] = (in[i] - mean) * inverse * of.scale[i] + shift[i];
    }
    if (context.lane() != 0) return;
    of.means[row] = mean;
    of.inverse_deviations[row] = inverse;
  }
};

// The gradient of the output becomes that of the input; a warp for each row.
struct NormaliseRowsBackward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, kernels::NormalisedRows of, float* gradient) {
    const std::size_t row = grid_warp(context);
    if (row >= of.rows) return;
    const float* const in = of.input + row * of.features;
    float* const out = gradient + row * of.features;
    const auto count = static_cast<float>(of.features);
    const float mean = of.means[row];
    const float inverse = of.inverse_deviations[row];
    float sum = 0.0f;
    float product_sum = 0.0f;
    for (std::size_t i = context.lane(); i < of.features; i += kWarpLanes) {
      const float scaled = out[i] * of.scale[i];
      sum += scaled;
      product_sum += scaled * ((in[i] - mean) * inverse);
    }
    const float mean_of_gradient = warp_sum(context, sum) / count;
    const float slope = warp_sum(context, product_sum) / count;
    for (std::size_t i = context.lane(); i < of.features; i += kWarpLanes) {
      const float normal = (in[i] - mean) * inverse;
      out[i] = inverse * (out[i] * of.scale[i] - mean_of_gradient - normal * slope);
    }
  }
};

// The gradients of scale and shift.
struct NormalisedRowProducts {
  static constexpr unsigned kThreads = kBlockThreads;
  struct Shared {
    float scales[kBlockWarps][kWarpLanes];
    float shifts[kBlockWarps][kWarpLanes];
  };
  // scale[part, c] and shift[part, c] over the part's rows, in the order of SumRows.
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, kernels::NormalisedRows of,
                                const float* gradient, std::uint32_t rows_of_part, float* scale,
                                float* shift) {
    const auto columns = static_cast<std::uint32_t>(of.features);
    const auto row_count = static_cast<std::uint32_t>(of.rows);
    const std::uint32_t tiles = (columns + kWarpLanes - 1) / kWarpLanes;
    const std::uint32_t part = context.block() / tiles;
    const std::uint32_t column = context.block() % tiles * kWarpLanes + context.lane();
    const std::uint32_t first = part * rows_of_part;
    const std::uint32_t end = row_count - first < rows_of_part ? row_count : first + rows_of_part;
    float of_scale = 0.0f;
    float of_shift = 0.0f;
    for (std::uint32_t row = first + context.warp(); column < columns && row < end; row += kBlockWarps) {
      const std::size_t i = std::size_t{row} * columns + column;
      of_scale += gradient[i] * ((of.input[i] - of.means[row]) * of.inverse_deviations[row]);
      of_shift += gradient[i];
    }
    shared.scales[context.warp()][context.lane()] = of_scale;
    shared.shifts[context.warp()][context.lane()] = of_shift;
    context.sync();
    if (context.warp() != 0 || column >= columns) return;
    of_scale = of_shift = 0.0f;
    for (unsigned warp = 0; warp < kBlockWarps; ++warp) {
      of_scale += shared.scales[warp][context.lane()];
      of_shift += shared.shifts[warp][context.lane()];
    }
    scale[std::size_t{part} * columns + column] = of_scale;
    shift[std::size_t{part} * columns + column] = of_shift;
  }
};

// bias may be null.
struct GeluForward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* bias, std::uint32_t elements,
                                std::uint32_t features, float* rows, float* output) {
    constexpr float kSquareRootOfHalf = 0.70710678f;
    constexpr float kDensityAt0 = 0.39894228f;  // 1 / sqrt(2 pi)
    for_each_element(context, elements, [&](std::uint32_t i) {
      const float x = bias == nullptr ? rows[i] : rows[i] + bias[i % features];
      const float below = 0.5f * std::erfc(-x * kSquareRootOfHalf);
      output[i] = x * below;
      rows[i] = below + x * (kDensityAt0 * std::exp(-0.5f * x * x));
    });
  }
};

}  // namespace sterna::tensor::cuda
