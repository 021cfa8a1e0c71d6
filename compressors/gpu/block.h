// What all kernels of this folder share: the shape of a block, and sums over its threads.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "runtime/device/context.h"

namespace sterna::compressors::gpu {

using sterna::device::kWarpLanes;
using sterna::device::lanes_before;

inline constexpr unsigned kBlockThreads = 256;
inline constexpr unsigned kBlockWarps = kBlockThreads / kWarpLanes;
// Kernels that go over short lists take turns beyond so many blocks.
inline constexpr std::size_t kMaxListBlocks = 1024;

constexpr std::size_t ceil_div(std::size_t dividend, std::size_t divisor) {
  return dividend / divisor + (dividend % divisor != 0 ? 1 : 0);
}

// Blocks for a list of up to so many entries, a thread each.
constexpr std::size_t list_blocks(std::size_t entries) {
  const std::size_t blocks = ceil_div(entries, kBlockThreads);
  return blocks < kMaxListBlocks ? blocks : kMaxListBlocks;
}

struct NoShared {};

template <typename Context>
STERNA_DEVICE std::size_t grid_thread(const Context& context) {
  return std::size_t{context.block()} * kBlockThreads + context.thread();
}
template <typename Context>
STERNA_DEVICE std::size_t grid_threads(const Context& context) {
  return std::size_t{context.blocks()} * kBlockThreads;
}
template <typename Context>
STERNA_DEVICE std::size_t grid_warp(const Context& context) {
  return std::size_t{context.block()} * kBlockWarps + context.warp();
}

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
