// The context of a kernel on the engine, and how kernels are run there.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "runtime/device/context.h"
#include "runtime/device/engine.h"

namespace sterna::device {

class HostContext {
 public:
  explicit HostContext(GridThread& thread) : thread_(thread) {}

  unsigned thread() const { return place_of(thread_).thread; }
  unsigned threads() const { return place_of(thread_).threads; }
  unsigned block() const { return place_of(thread_).block; }
  unsigned blocks() const { return place_of(thread_).blocks; }
  unsigned lane() const { return thread() % kWarpLanes; }
  unsigned warp() const { return thread() / kWarpLanes; }

  void sync() const { block_barrier(thread_); }
  void sync_warp(std::uint32_t mask = kAllLanes) const {
    static_cast<void>(warp_exchange(thread_, mask, 0, "sync_warp", /*orders_memory=*/true));
  }

  template <typename T>
  T shuffle(T value, unsigned lane, std::uint32_t mask = kAllLanes) const {
    return from_lane(value, lane % kWarpLanes, mask, "shuffle");
  }
  template <typename T>
  T shuffle_xor(T value, unsigned lanes, std::uint32_t mask = kAllLanes) const {
    return from_lane(value, (lane() ^ lanes) % kWarpLanes, mask, "shuffle_xor");
  }
  template <typename T>
  T shuffle_up(T value, unsigned lanes, std::uint32_t mask = kAllLanes) const {
    return from_lane(value, lane() >= lanes ? lane() - lanes : lane(), mask, "shuffle_up");
  }
  std::uint32_t ballot(bool predicate, std::uint32_t mask = kAllLanes) const {
    const WarpValues& votes =
        warp_exchange(thread_, mask, predicate ? 1 : 0, "ballot", /*orders_memory=*/false);
    std::uint32_t bits = 0;
    for (unsigned lane = 0; lane < kWarpLanes; ++lane)
      bits |= static_cast<std::uint32_t>(votes[lane]) << lane;
    return bits;
  }

  // Others have a turn after each: what they do in between is seen.
  template <typename T>
  T atomic_add(T* at, T value) const {
    const T before = std::atomic_ref<T>(*at).fetch_add(value, std::memory_order_relaxed);
    yield(thread_);
    return before;
  }
  template <typename T>
  T atomic_max(T* at, T value) const {
    std::atomic_ref<T> shared(*at);
    T before = shared.load(std::memory_order_relaxed);
    while (before < value && !shared.compare_exchange_weak(before, value, std::memory_order_relaxed)) {
    }
    yield(thread_);
    return before;
  }
  template <typename T>
  T atomic_or(T* at, T value) const {
    const T before = std::atomic_ref<T>(*at).fetch_or(value, std::memory_order_relaxed);
    yield(thread_);
    return before;
  }

 private:
  template <typename T>
  T from_lane(T value, unsigned source, std::uint32_t mask, const char* operation) const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
    std::uint64_t brought = 0;
    std::memcpy(&brought, &value, sizeof value);
    const WarpValues& values = warp_exchange(thread_, mask, brought, operation, /*orders_memory=*/false);
    if ((mask >> source & 1) == 0) fail_in(thread_, operation, "its source lane is not in its mask");
    std::memcpy(&value, &values[source], sizeof value);
    return value;
  }

  GridThread& thread_;
};

// Runs each kernel at once, with a schedule of its own.
class HostLauncher {
 public:
  explicit HostLauncher(const Schedule& schedule = {}) : schedule_(schedule) {}

  template <typename Kernel, typename... Arguments>
  void operator()(Kernel, std::size_t blocks, const Arguments&... arguments) {
    using Shared = typename Kernel::Shared;
    static_assert(std::is_trivially_default_constructible_v<Shared> && sizeof(Shared) <= 48 * 1024);
    if (blocks == 0) return;
    run_grid({.blocks = static_cast<unsigned>(blocks),
              .threads = Kernel::kThreads,
              .shared_bytes = sizeof(Shared)},
             schedule_, stacks_, [&](GridThread& thread, void* shared) {
               HostContext context(thread);
               // A copy of its own for each thread, as parameters of a kernel are.
               Kernel::run(context, *static_cast<Shared*>(shared), Arguments(arguments)...);
             });
    ++schedule_.seed;
  }

  void zero(void* at, std::size_t bytes) const {
    if (bytes != 0) std::memset(at, 0, bytes);
  }
  void copy(const void* from, void* to, std::size_t bytes) const {
    if (bytes != 0) std::memcpy(to, from, bytes);
  }

 private:
  Schedule schedule_;
  GridStacks stacks_;
};

}  // namespace sterna::device
