// From counts of tiles to where each tile's entries begin.
#pragma once

#include "compressors/gpu/block.h"

namespace sterna::compressors::gpu {

// A list of counts, one for each tile, and behind them room for their sum.
constexpr std::size_t counts_room(std::size_t tiles) {
  return tiles + 1;
}

// Makes counts [tiles] the sums of those before them, and leaves the sum of all in counts[tiles]. By one
// block: there are few tiles.
template <typename Context>
STERNA_DEVICE void sum_counts_before(Context& context, WarpSums& shared, std::uint32_t* counts,
                                     std::size_t tiles) {
  constexpr unsigned kRow = 8;
  std::uint32_t before = 0;
  for (std::size_t begin = 0; begin < tiles; begin += kBlockThreads * kRow) {
    const std::size_t own = begin + context.thread() * kRow;
    std::uint32_t count[kRow];
    std::uint32_t sum = 0;
    for (unsigned i = 0; i < kRow; ++i) {
      count[i] = own + i < tiles ? counts[own + i] : 0;
      sum += count[i];
    }
    const SumBefore all = block_sum_before(context, shared, sum);
    std::uint32_t at = before + all.before;
    for (unsigned i = 0; i < kRow; ++i) {
      if (own + i < tiles) counts[own + i] = at;
      at += count[i];
    }
    before += all.total;
    context.sync();
  }
  if (context.thread() == 0) counts[tiles] = before;
}

// A block for each list; list b begins at counts + b * counts_room(tiles).
struct SumCountsBefore {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = WarpSums;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, std::uint32_t* counts, std::size_t tiles) {
    sum_counts_before(context, shared, counts + context.block() * counts_room(tiles), tiles);
  }
};

}  // namespace sterna::compressors::gpu
