// Deals out the parts of a workspace. Without memory it counts what they need.
#pragma once

#include <cstddef>
#include <span>

namespace sterna::compressors::gpu {

class Workspace {
 public:
  Workspace() = default;
  explicit Workspace(std::span<std::byte> memory) : memory_(memory.data()) {}

  template <typename T>
  T* take(std::size_t count) {
    constexpr std::size_t kAlignment = 256;
    const std::size_t at = (bytes_ + kAlignment - 1) / kAlignment * kAlignment;
    bytes_ = at + count * sizeof(T);
    return memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + at);
  }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace sterna::compressors::gpu
