// Small kernels, each of them right, and wrong in one way: what the engine and the sanitizers must see.
#pragma once

#include <cstdint>

#include "runtime/device/context.h"

namespace sterna::device::planted {

enum class Is { kRight, kWrong };

// Each thread writes its index, and reads its neighbour's: wrong without a barrier in between.
template <Is kIs>
struct NeighbourInBlock {
  static constexpr unsigned kThreads = 64;
  struct Shared {
    unsigned index[kThreads];
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, unsigned* out) {
    shared.index[context.thread()] = context.thread();
    if constexpr (kIs == Is::kRight) context.sync();
    out[context.block() * kThreads + context.thread()] = shared.index[(context.thread() + 1) % kThreads];
  }
};

// The same within warps: a vote brings the lanes together, but what they wrote is ordered by sync_warp alone.
template <Is kIs>
struct NeighbourInWarp {
  static constexpr unsigned kThreads = 64;
  struct Shared {
    unsigned index[kThreads];
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, unsigned* out) {
    shared.index[context.thread()] = context.thread();
    const std::uint32_t all = context.ballot(true);
    if constexpr (kIs == Is::kRight) context.sync_warp(all);
    out[context.block() * kThreads + context.thread()] = shared.index[context.thread() ^ 1];
  }
};

// Counts the blocks: wrong without an atomic addition.
template <Is kIs>
struct CountBlocks {
  static constexpr unsigned kThreads = 64;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, unsigned* count) {
    if (context.thread() != 0) return;
    if constexpr (kIs == Is::kRight) {
      context.atomic_add(count, 1u);
    } else {
      *count += 1;
    }
  }
};

// Wrong where only some of the block's threads come to a barrier, and the others end.
template <Is kIs>
struct BarrierForAll {
  static constexpr unsigned kThreads = 64;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&) {
    if (kIs == Is::kRight || context.thread() < 40) context.sync();
  }
};

// Half of the warp has a value from lane 0: wrong if it asks the other half to come too.
template <Is kIs>
struct HalfAWarp {
  static constexpr unsigned kThreads = 32;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, unsigned* out) {
    if (context.lane() >= 16) return;
    out[context.lane()] = context.shuffle(context.lane() + 7, 0, kIs == Is::kRight ? 0x0000ffffu : kAllLanes);
  }
};

// Wrong where the value comes from a lane that the mask does not name.
template <Is kIs>
struct SourceLane {
  static constexpr unsigned kThreads = 32;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, unsigned* out) {
    if (context.lane() >= 16) return;
    out[context.lane()] = context.shuffle(context.lane() + 7, kIs == Is::kRight ? 3 : 20, 0x0000ffffu);
  }
};

// Wrong where lanes name each other, but not themselves.
template <Is kIs>
struct OwnLane {
  static constexpr unsigned kThreads = 32;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&) {
    context.sync_warp(kIs == Is::kRight ? kAllLanes : ~(std::uint32_t{1} << context.lane()));
  }
};

// Wrong where lanes of one mask come with different operations.
template <Is kIs>
struct OneOperation {
  static constexpr unsigned kThreads = 32;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&) {
    if (kIs == Is::kRight || context.lane() < 16) {
      context.ballot(true);
    } else {
      context.sync_warp();
    }
  }
};

// Wrong where lanes that name each other have different masks.
template <Is kIs>
struct OneMask {
  static constexpr unsigned kThreads = 32;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&) {
    const std::uint32_t odd_one = kIs == Is::kWrong && context.lane() == 5 ? 0x000000ffu : kAllLanes;
    context.ballot(true, odd_one);
  }
};

// Reads shared memory one past its end.
template <Is kIs>
struct PastTheEnd {
  static constexpr unsigned kThreads = 32;
  struct Shared {
    unsigned index[kThreads];
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, unsigned* out) {
    shared.index[context.thread()] = context.thread();
    context.sync();
    const unsigned* const indices = shared.index;
    out[context.thread()] = indices[context.thread() + (kIs == Is::kRight ? 0 : 1)];
  }
};

// Adds up shared memory that was never written.
template <Is kIs>
struct NeverWritten {
  static constexpr unsigned kThreads = 32;
  struct Shared {
    float value[kThreads];
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, float* out) {
    if (kIs == Is::kRight || context.thread() != 17) shared.value[context.thread()] = 1.0f;
    context.sync();
    if (context.thread() != 0) return;
    float sum = 0.0f;
    for (const float value : shared.value) sum += value;
    *out = sum;
  }
};

}  // namespace sterna::device::planted
