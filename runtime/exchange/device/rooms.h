// Memory that is kept from step to step and grows where a step needs more. Internal to the exchange on a
// device.
#pragma once

#include <bit>
#include <cstddef>
#include <span>

#include "runtime/collectives/nccl/device.h"
#include "runtime/collectives/nccl/device_stream.h"

namespace sterna::exchange {

template <typename Bytes, Bytes (*kAllocate)(std::size_t)>
class Room {
 public:
  explicit Room(collectives::DeviceStream& stream) : stream_(stream) {}

  // So many bytes, at a multiple of 256, until the next call. What they hold is arbitrary where the room
  // grows, which waits for the device: its memory must not be freed while it works.
  [[nodiscard]] std::span<std::byte> take(std::size_t bytes) {
    if (bytes > size_) {
      stream_.settle();
      bytes_.reset();
      size_ = 0;
      const std::size_t grown = std::bit_ceil(bytes);
      bytes_ = kAllocate(grown);
      size_ = grown;
    }
    return {bytes_.get(), bytes};
  }

  template <typename T>
  [[nodiscard]] std::span<T> take_of(std::size_t count) {
    return {reinterpret_cast<T*>(take(count * sizeof(T)).data()), count};
  }

 private:
  collectives::DeviceStream& stream_;
  Bytes bytes_;
  std::size_t size_ = 0;
};

using DeviceRoom = Room<collectives::DeviceBytes, collectives::allocate_device>;
using PinnedRoom = Room<collectives::PinnedBytes, collectives::allocate_pinned>;  // of the host

}  // namespace sterna::exchange
