// The way of blocks that lie in the host's memory: NCCL moves what lies in the device's. Each such block
// takes a place in pinned memory of the host, and one in the device's memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "runtime/collectives/nccl/device.h"

namespace sterna::collectives {

// One piece of each memory, equally long.
struct Staging {
  std::size_t bytes = 0;
  PinnedBytes pinned;
  DeviceBytes device;
};

// Pieces that are free. None is given back to the driver before the end: freeing waits, without a limit, for
// all that the device is doing.
class StagingPool {
 public:
  // The shortest free piece with so many bytes, or a new one.
  [[nodiscard]] Staging take(std::size_t bytes);
  void give_back(Staging staging);

 private:
  std::vector<Staging> free_;
};

// Hands out the places of a piece, one after the other.
class StagingPlaces {
 public:
  // What a block takes: places begin where the device reads best.
  [[nodiscard]] static std::size_t bytes_for(std::size_t block_bytes);

  struct Place {
    std::span<std::byte> pinned;
    std::span<std::byte> device;
  };

  explicit StagingPlaces(const Staging& staging) : staging_(staging) {}
  [[nodiscard]] Place next(std::size_t block_bytes);

 private:
  const Staging& staging_;
  std::size_t used_ = 0;
};

}  // namespace sterna::collectives
