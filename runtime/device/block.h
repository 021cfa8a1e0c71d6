// The shape of most kernels: blocks of one length, and where a thread stands among all of a grid.
#pragma once

#include <cstddef>

#include "runtime/device/context.h"

namespace sterna::device {

inline constexpr unsigned kBlockThreads = 256;
inline constexpr unsigned kBlockWarps = kBlockThreads / kWarpLanes;
// Kernels whose threads take turns have no more blocks: about what a large GPU holds at a time.
inline constexpr std::size_t kMaxListBlocks = 1024;

constexpr std::size_t ceil_div(std::size_t dividend, std::size_t divisor) {
  return dividend / divisor + (dividend % divisor != 0 ? 1 : 0);
}

// Blocks for a list of up to so many entries, a thread each; beyond kMaxListBlocks threads take turns.
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

}  // namespace sterna::device
