#include "runtime/collectives/nccl/staging.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// Small pieces serve the lengths and losses of a step, over and over.
constexpr std::size_t kSmallestPieceBytes = 4096;
constexpr std::size_t kAlignment = 256;  // as cudaMalloc's

}  // namespace

Staging StagingPool::take(std::size_t bytes) {
  Staging* best = nullptr;
  for (Staging& staging : free_) {
    if (staging.bytes >= bytes && (best == nullptr || staging.bytes < best->bytes)) best = &staging;
  }
  if (best != nullptr) {
    std::swap(*best, free_.back());
    Staging taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }
  // Powers of two, so that blocks that grow from step to step do not need a new piece each time.
  const std::size_t piece_bytes = std::bit_ceil(std::max(bytes, kSmallestPieceBytes));
  return {
      .bytes = piece_bytes, .pinned = allocate_pinned(piece_bytes), .device = allocate_device(piece_bytes)};
}

void StagingPool::give_back(Staging staging) {
  if (staging.bytes > 0) free_.push_back(std::move(staging));
}

std::size_t StagingPlaces::bytes_for(std::size_t block_bytes) {
  return (block_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

StagingPlaces::Place StagingPlaces::next(std::size_t block_bytes) {
  STERNA_CHECK((used_ + block_bytes) <= staging_.bytes);
  const std::size_t begin = used_;
  used_ += bytes_for(block_bytes);
  return {.pinned = {staging_.pinned.get() + begin, block_bytes},
          .device = {staging_.device.get() + begin, block_bytes}};
}

}  // namespace sterna::collectives
