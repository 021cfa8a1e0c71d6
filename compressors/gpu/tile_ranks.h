// The ranks of chosen elements within a tile, ascending by element.
#pragma once

#include "compressors/gpu/block.h"

namespace sterna::compressors::gpu {

// A tile is what a block goes over: rows of neighbours, so that memory is read as it lies.
inline constexpr unsigned kTileRows = 8;
inline constexpr unsigned kTileElements = kTileRows * kBlockThreads;

constexpr std::size_t tiles_of(std::size_t elements) {
  return ceil_div(elements, kTileElements);
}

struct TileVotes {
  std::uint32_t votes[kTileRows * kBlockWarps];   // by rows, and in a row by warps: in the elements' order
  std::uint32_t before[kTileRows * kBlockWarps];  // votes before these
  std::uint32_t total;
};

// This thread's element in a row of this block's tile.
template <typename Context>
STERNA_DEVICE std::size_t tile_element(const Context& context, unsigned row) {
  return std::size_t{context.block()} * kTileElements + row * kBlockThreads + context.thread();
}

// The rank of this thread's element of the row, if it is chosen. After count_votes().
template <typename Context>
STERNA_DEVICE std::uint32_t tile_rank(const Context& context, const TileVotes& shared, unsigned row) {
  const unsigned at = row * kBlockWarps + context.warp();
  return shared.before[at] + set_bits(shared.votes[at] & lanes_before(context.lane()));
}

// All threads of the block call it.
//   is_chosen  of this thread's element of each row
template <typename Context>
STERNA_DEVICE void count_votes(Context& context, TileVotes& shared, const bool (&is_chosen)[kTileRows]) {
  for (unsigned row = 0; row < kTileRows; ++row) {
    const std::uint32_t votes = context.ballot(is_chosen[row]);
    if (context.lane() == 0) shared.votes[row * kBlockWarps + context.warp()] = votes;
  }
  context.sync();
  if (context.warp() == 0) {
    static_assert(kTileRows * kBlockWarps == 2 * kWarpLanes);
    const std::uint32_t first = set_bits(shared.votes[2 * context.lane()]);
    const std::uint32_t second = set_bits(shared.votes[2 * context.lane() + 1]);
    std::uint32_t with_own = first + second;
    for (unsigned distance = 1; distance < kWarpLanes; distance *= 2) {
      const std::uint32_t lower = context.shuffle_up(with_own, distance);
      if (context.lane() >= distance) with_own += lower;
    }
    shared.before[2 * context.lane()] = with_own - first - second;
    shared.before[2 * context.lane() + 1] = with_own - second;
    if (context.lane() == kWarpLanes - 1) shared.total = with_own;
  }
  context.sync();
}

// Copies what tiles have listed, each at its own front, to one list: a warp for each tile.
//   begins  where each tile's entries go, and behind the last where the list ends
struct JoinTiles {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const std::uint32_t* of_tiles,
                                const std::uint32_t* begins, std::size_t tiles, std::uint32_t* list) {
    const std::size_t tile = grid_warp(context);
    if (tile >= tiles) return;
    const std::uint32_t count = begins[tile + 1] - begins[tile];
    for (std::uint32_t i = context.lane(); i < count; i += kWarpLanes) {
      list[begins[tile] + i] = of_tiles[tile * kTileElements + i];
    }
  }
};

}  // namespace sterna::compressors::gpu
