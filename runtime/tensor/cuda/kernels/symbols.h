// Tables that symbols look up, and positions of sequences.
#pragma once

#include <bit>
#include <limits>

#include "runtime/tensor/cuda/kernels/elementwise.h"

namespace sterna::tensor::cuda {

// tensor::SymbolWindow, as a kernel takes it.
struct SymbolRows {
  const std::int32_t* symbols;
  std::uint32_t positions, first, count;
};

STERNA_DEVICE std::int32_t symbol_of(const SymbolRows& of, std::uint32_t row) {
  return of.symbols[std::size_t{row / of.count} * of.positions + of.first + row % of.count];
}

struct GatherRows {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, SymbolRows of, const float* table,
                                std::uint32_t features, std::uint32_t elements, float* rows) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      const auto symbol = static_cast<std::size_t>(symbol_of(of, i / features));
      rows[i] = table[symbol * features + i % features];
    });
  }
};

// Adds up the rows of each symbol in their order, into a table of zeros. A block for each row and 256
// features: that of a symbol's first row adds all of them, the others have nothing to do.
struct ScatterRows {
  static constexpr unsigned kThreads = kBlockThreads;
  struct Shared {
    std::uint32_t is_later;
    std::uint32_t matches[kBlockWarps];  // of rows that lie side by side, a bit for each
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, SymbolRows of, const float* rows,
                                std::uint32_t row_count, std::uint32_t features, float* table) {
    const std::uint32_t row = context.block() % row_count;
    const std::uint32_t column = context.block() / row_count * kBlockThreads + context.thread();
    const std::int32_t symbol = symbol_of(of, row);
    if (context.thread() == 0) shared.is_later = 0;
    context.sync();
    for (std::uint32_t earlier = context.thread(); earlier < row; earlier += kBlockThreads) {
      if (symbol_of(of, earlier) == symbol) context.atomic_or(&shared.is_later, std::uint32_t{1});
    }
    context.sync();
    if (shared.is_later != 0) return;
    float sum = 0.0f;
    for (std::uint32_t first = row; first < row_count; first += kBlockThreads) {
      const std::uint32_t own = first + context.thread();
      const std::uint32_t matches = context.ballot(own < row_count && symbol_of(of, own) == symbol);
      if (context.lane() == 0) shared.matches[context.warp()] = matches;
      context.sync();
      if (column < features) {
        for (std::uint32_t warp = 0; warp < kBlockWarps; ++warp) {
          for (std::uint32_t left = shared.matches[warp]; left != 0; left &= left - 1) {
            const std::uint32_t match =
                first + warp * kWarpLanes + static_cast<std::uint32_t>(std::countr_zero(left));
            sum += rows[std::size_t{match} * features + column];
          }
        }
      }
      context.sync();
    }
    if (column < features) table[static_cast<std::size_t>(symbol) * features + column] = sum;
  }
};

// -infinity where the symbol is 0, else 0.
struct MaskPadding {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, SymbolRows of, std::uint32_t rows, float* mask) {
    for_each_element(context, rows, [&](std::uint32_t row) {
      mask[row] = symbol_of(of, row) == 0 ? -std::numeric_limits<float>::infinity() : 0.0f;
    });
  }
};

// output [samples, features] = the mean over input [samples, positions, features], first position first.
struct MeanOverPositions {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, std::uint32_t positions,
                                std::uint32_t features, std::uint32_t elements, float* output) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      const float* const first = input + std::size_t{i / features} * positions * features + i % features;
      float sum = 0.0f;
      for (std::size_t p = 0; p < positions; ++p) sum += first[p * features];
      output[i] = sum / static_cast<float>(positions);
    });
  }
};

struct SpreadOverPositions {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* output_gradient,
                                std::uint32_t positions, std::uint32_t features, std::uint32_t elements,
                                float* input_gradient) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      const std::uint32_t sample = i / features / positions;
      input_gradient[i] = output_gradient[sample * features + i % features] / static_cast<float>(positions);
    });
  }
};

}  // namespace sterna::tensor::cuda
