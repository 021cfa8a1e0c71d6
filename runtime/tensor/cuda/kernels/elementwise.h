// Kernels that treat every element alike, and sums over rows. Bits are those of ../../elementwise.h, but for
// sums, which are taken in another order, the same one each time.
#pragma once

#include <cstdint>

#include "runtime/device/block.h"
#include "runtime/tensor/cuda/launches.h"

namespace sterna::tensor::cuda {

using device::ceil_div;
using device::grid_thread;
using device::grid_threads;
using device::grid_warp;
using device::kBlockThreads;
using device::kBlockWarps;
using device::kWarpLanes;
using device::list_blocks;
using device::NoShared;

// Calls visit(i) for this thread's share of `elements`. Indices are 32 bits wide: divisions of longer ones
// are slow.
template <typename Context, typename Visit>
STERNA_DEVICE void for_each_element(const Context& context, std::uint32_t elements, const Visit& visit) {
  const auto step = static_cast<std::uint32_t>(grid_threads(context));
  for (auto i = static_cast<std::uint32_t>(grid_thread(context)); i < elements; i += step) visit(i);
}

struct Relu {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, std::uint32_t elements,
                                float* output) {
    for_each_element(context, elements,
                     [&](std::uint32_t i) { output[i] = input[i] < 0.0f ? 0.0f : input[i]; });
  }
};

struct MaskReluGradient {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* output, std::uint32_t elements,
                                float* gradient) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      if (output[i] <= 0.0f) gradient[i] = 0.0f;
    });
  }
};

struct Add {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* a, const float* b,
                                std::uint32_t elements, float* sum) {
    for_each_element(context, elements, [&](std::uint32_t i) { sum[i] = a[i] + b[i]; });
  }
};

struct Multiply {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* by, std::uint32_t elements,
                                float* to) {
    for_each_element(context, elements, [&](std::uint32_t i) { to[i] *= by[i]; });
  }
};

struct Scale {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, float factor, std::uint32_t elements,
                                float* values) {
    for_each_element(context, elements, [&](std::uint32_t i) { values[i] *= factor; });
  }
};

// output[i] = factor * input[i] + table[i % table_elements].
struct ScaleAndAddTable {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, float factor, const float* input,
                                const float* table, std::uint32_t table_elements, std::uint32_t elements,
                                float* output) {
    for_each_element(context, elements,
                     [&](std::uint32_t i) { output[i] = factor * input[i] + table[i % table_elements]; });
  }
};

// Rows of `columns` elements, so many elements apart.
struct CopyRows {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* from, std::size_t from_stride,
                                std::uint32_t columns, std::uint32_t elements, float* to,
                                std::size_t to_stride) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      to[i / columns * to_stride + i % columns] = from[i / columns * from_stride + i % columns];
    });
  }
};

// [batches, outer, inner, features] -> [batches, inner, outer, features].
struct SwapAxes {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* from, std::uint32_t outer,
                                std::uint32_t inner, std::uint32_t features, std::uint32_t elements,
                                float* to) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      const std::uint32_t row = i / features;  // of what is written
      const std::uint32_t batch = row / (inner * outer);
      const std::uint32_t of_inner = row / outer % inner;
      const std::uint32_t of_outer = row % outer;
      to[i] = from[((batch * outer + of_outer) * inner + of_inner) * features + i % features];
    });
  }
};

// to[i] += bias[i / inner % channels], and max(., 0) of it if has_relu: of rows with inner = 1, of images
// with the positions of a plane.
struct AddBias {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* bias, std::uint32_t inner,
                                std::uint32_t channels, bool has_relu, std::uint32_t elements, float* to) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      const float sum = to[i] + bias[i / inner % channels];
      to[i] = has_relu && sum < 0.0f ? 0.0f : sum;
    });
  }
};

// sums[part, c] = the sum of rows[r, c] over the part's rows: first those whose number within the part is 0
// modulo the warps of a block, then 1, and so on. A block for each part and 32 columns.
struct SumRows {
  static constexpr unsigned kThreads = kBlockThreads;
  struct Shared {
    float strands[kBlockWarps][kWarpLanes];
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, const float* rows, std::uint32_t row_count,
                                std::uint32_t columns, std::uint32_t rows_of_part, float* sums) {
    const std::uint32_t tiles = (columns + kWarpLanes - 1) / kWarpLanes;
    const std::uint32_t part = context.block() / tiles;
    const std::uint32_t column = context.block() % tiles * kWarpLanes + context.lane();
    const std::uint32_t first = part * rows_of_part;
    const std::uint32_t end = row_count - first < rows_of_part ? row_count : first + rows_of_part;
    float strand = 0.0f;
    if (column < columns) {
      for (std::uint32_t row = first + context.warp(); row < end; row += kBlockWarps) {
        strand += rows[std::size_t{row} * columns + column];
      }
    }
    shared.strands[context.warp()][context.lane()] = strand;
    context.sync();
    if (context.warp() != 0 || column >= columns) return;
    float sum = 0.0f;
    for (unsigned warp = 0; warp < kBlockWarps; ++warp) sum += shared.strands[warp][context.lane()];
    sums[std::size_t{part} * columns + column] = sum;
  }
};

// All lanes call it, and have the sum of all.
template <typename Context, typename Value>
STERNA_DEVICE Value warp_sum(Context& context, Value value) {
  for (unsigned lanes = kWarpLanes / 2; lanes > 0; lanes /= 2) value += context.shuffle_xor(value, lanes);
  return value;
}

// sums[plane] = the sum of a plane's positions; a warp for each plane.
struct SumPlanes {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* planes, std::uint32_t plane_count,
                                std::uint32_t positions, float* sums) {
    const std::size_t plane = grid_warp(context);
    if (plane >= plane_count) return;
    float sum = 0.0f;
    for (std::uint32_t p = context.lane(); p < positions; p += kWarpLanes)
      sum += planes[plane * positions + p];
    sum = warp_sum(context, sum);
    if (context.lane() == 0) sums[plane] = sum;
  }
};

}  // namespace sterna::tensor::cuda
