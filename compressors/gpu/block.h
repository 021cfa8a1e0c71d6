// What all kernels of this folder share: the shape of a block, bits of numbers, and sums over a block's
// threads.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "runtime/device/block.h"

namespace sterna::compressors::gpu {

using sterna::device::ceil_div;
using sterna::device::grid_thread;
using sterna::device::grid_threads;
using sterna::device::grid_warp;
using sterna::device::kBlockThreads;
using sterna::device::kBlockWarps;
using sterna::device::kMaxListBlocks;
using sterna::device::kWarpLanes;
using sterna::device::lanes_before;
using sterna::device::list_blocks;
using sterna::device::NoShared;

STERNA_DEVICE std::uint32_t magnitude_bits(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7fffffff;
}
STERNA_DEVICE bool is_negative(float value) {
  return std::bit_cast<std::uint32_t>(value) >> 31 != 0;
}
STERNA_DEVICE float magnitude(float value) {
  return std::bit_cast<float>(magnitude_bits(value));
}

template <typename T>
constexpr T smaller(T left, T right) {
  return right < left ? right : left;
}

// How many bits are set; std::popcount's result is an int.
STERNA_DEVICE unsigned set_bits(std::uint32_t bits) {
  return static_cast<unsigned>(std::popcount(bits));
}

// The sums of the warps of a block, for block_sum_before(). To be used anew only after another sync().
struct WarpSums {
  std::uint32_t sums[kBlockWarps];
};

struct SumBefore {
  std::uint32_t before;  // of the values of the threads before this one
  std::uint32_t total;   // of all
};

// All threads of the block call it, and have one value each.
template <typename Context>
STERNA_DEVICE SumBefore block_sum_before(Context& context, WarpSums& shared, std::uint32_t value) {
  std::uint32_t with_own = value;
  for (unsigned distance = 1; distance < kWarpLanes; distance *= 2) {
    const std::uint32_t lower = context.shuffle_up(with_own, distance);
    if (context.lane() >= distance) with_own += lower;
  }
  if (context.lane() == kWarpLanes - 1) shared.sums[context.warp()] = with_own;
  context.sync();
  SumBefore sum{.before = with_own - value, .total = 0};
  for (unsigned warp = 0; warp < kBlockWarps; ++warp) {
    if (warp < context.warp()) sum.before += shared.sums[warp];
    sum.total += shared.sums[warp];
  }
  return sum;
}

}  // namespace sterna::compressors::gpu
