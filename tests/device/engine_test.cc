// The engine by itself: what kernels may count on, and that what CUDA leaves undefined does not pass.
#include "runtime/device/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/device/host_context.h"
#include "tests/device/planted_defects.h"

namespace sterna::device {
namespace {

using planted::Is;
using testing::HasSubstr;

constexpr std::uint64_t kSeeds = 8;

// What a launch fails with, or "".
template <typename Kernel, typename... Arguments>
std::string fault_of(Kernel kernel, std::size_t blocks, Arguments... arguments) {
  HostLauncher launch;
  try {
    launch(kernel, blocks, arguments...);
  } catch (const KernelFault& fault) {
    return fault.what();
  }
  return "";
}

// Notes in which order threads go by.
struct NoteOrder {
  static constexpr unsigned kThreads = 40;
  struct Shared {};
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, unsigned* next, unsigned* order) {
    order[context.atomic_add(next, 1u)] = context.block() * kThreads + context.thread();
  }
};

std::vector<unsigned> order_of(const Schedule& schedule) {
  std::vector<unsigned> order(3 * NoteOrder::kThreads);
  unsigned next = 0;
  HostLauncher launch(schedule);
  launch(NoteOrder{}, 3, &next, order.data());
  return order;
}

TEST(DeviceEngine, RunsEveryThreadOnceInAnOrderThatTheSeedDecides) {
  std::vector<unsigned> ascending(3 * NoteOrder::kThreads);
  std::iota(ascending.begin(), ascending.end(), 0u);
  EXPECT_EQ(order_of({.is_shuffled = false}), ascending);
  EXPECT_EQ(order_of({.seed = 4}), order_of({.seed = 4}));
  EXPECT_NE(order_of({.seed = 4}), order_of({.seed = 5}));
  EXPECT_NE(order_of({.seed = 4}), ascending);
  EXPECT_THAT(order_of({.seed = 4}), testing::UnorderedElementsAreArray(ascending));
}

// Every operation of a context once, in a block whose last warp has 8 lanes.
struct EachOperation {
  static constexpr unsigned kThreads = 40;
  struct Shared {
    std::uint32_t sum;
  };
  struct Seen {
    unsigned from_lane_3;
    unsigned from_partner;
    unsigned from_two_below;
    std::uint32_t odd_lanes;
    std::uint32_t sum;
    std::uint64_t wide;
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, Seen* seen, std::uint32_t* most) {
    if (context.thread() == 0) shared.sum = 0;
    context.sync();
    context.atomic_add(&shared.sum, context.thread());
    context.atomic_max(most, context.thread());
    context.atomic_or(most + 1, std::uint32_t{1} << context.lane());
    context.sync();
    Seen& own = seen[context.thread()];
    own.from_lane_3 = context.shuffle(context.thread(), 3);
    own.from_partner = context.shuffle_xor(context.thread(), 1);
    own.from_two_below = context.shuffle_up(context.thread(), 2);
    own.odd_lanes = context.ballot(context.lane() % 2 == 1);
    own.wide = context.shuffle(std::uint64_t{context.thread()} << 40, 1);
    own.sum = shared.sum;
  }
};

TEST(DeviceEngine, ShufflesVotesAndAddsAsCudaDoes) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    std::vector<EachOperation::Seen> seen(EachOperation::kThreads);
    std::vector<std::uint32_t> most(2);
    HostLauncher launch({.seed = seed});
    launch(EachOperation{}, 1, seen.data(), most.data());
    for (unsigned i = 0; i < seen.size(); ++i) {
      const unsigned warp = i / 32 * 32;
      EXPECT_EQ(seen[i].from_lane_3, warp + 3);
      EXPECT_EQ(seen[i].from_partner, i ^ 1);
      EXPECT_EQ(seen[i].from_two_below, i % 32 < 2 ? i : i - 2);
      EXPECT_EQ(seen[i].odd_lanes, warp == 0 ? 0xaaaaaaaau : 0xaau);  // lanes 8 to 31 are not there
      EXPECT_EQ(seen[i].sum, 39u * 40u / 2u);
      EXPECT_EQ(seen[i].wide, std::uint64_t{warp + 1} << 40);
    }
    EXPECT_EQ(most[0], 39u);
    EXPECT_EQ(most[1], kAllLanes);
  }
}

TEST(DeviceEngine, RunsTheRightOnesOfThePlantedKernels) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    HostLauncher launch({.seed = seed});
    std::vector<unsigned> out(2 * 64);
    launch(planted::NeighbourInBlock<Is::kRight>{}, 2, out.data());
    for (unsigned i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], (i + 1) % 64);
    launch(planted::NeighbourInWarp<Is::kRight>{}, 2, out.data());
    for (unsigned i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], (i ^ 1) % 64);
    unsigned count = 0;
    launch(planted::CountBlocks<Is::kRight>{}, 9, &count);
    EXPECT_EQ(count, 9u);
    launch(planted::BarrierForAll<Is::kRight>{}, 2);
    launch(planted::HalfAWarp<Is::kRight>{}, 1, out.data());
    for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(out[i], 7u);
    launch(planted::SourceLane<Is::kRight>{}, 1, out.data());
    for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(out[i], 10u);
    launch(planted::OwnLane<Is::kRight>{}, 1);
    launch(planted::OneOperation<Is::kRight>{}, 1);
    launch(planted::OneMask<Is::kRight>{}, 1);
    launch(planted::PastTheEnd<Is::kRight>{}, 1, out.data());
    for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(out[i], i);
    float sum = 0.0f;
    launch(planted::NeverWritten<Is::kRight>{}, 1, &sum);
    EXPECT_EQ(sum, 32.0f);
  }
}

#ifndef __SANITIZE_THREAD__  // it ends the program at the race itself: the planted_* tests
TEST(DeviceEngine, GivesAWrongResultWithoutABarrier) {
  std::size_t wrong = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    HostLauncher launch({.seed = seed});
    std::vector<unsigned> out(64);
    launch(planted::NeighbourInBlock<Is::kWrong>{}, 1, out.data());
    for (unsigned i = 0; i < out.size(); ++i) wrong += out[i] != (i + 1) % 64 ? 1 : 0;
  }
  EXPECT_GT(wrong, 0u);
}
#endif

TEST(DeviceEngine, FillsSharedMemoryWithNaN) {
  HostLauncher launch;
  float sum = 0.0f;
  launch(planted::NeverWritten<Is::kWrong>{}, 1, &sum);
  EXPECT_TRUE(std::isnan(sum));
}

TEST(DeviceEngine, ReportsABarrierThatSomeThreadsNeverReach) {
  EXPECT_THAT(fault_of(planted::BarrierForAll<Is::kWrong>{}, 1),
              testing::AllOf(HasSubstr("deadlock: 40 threads wait, 24 have ended"), HasSubstr("in sync")));
}

TEST(DeviceEngine, RefusesALaneThatHasEnded) {
  std::vector<unsigned> out(32);
  EXPECT_THAT(fault_of(planted::HalfAWarp<Is::kWrong>{}, 1, out.data()),
              HasSubstr("a lane that it names has ended"));
}

TEST(DeviceEngine, RefusesAValueFromOutsideTheMask) {
  std::vector<unsigned> out(32);
  EXPECT_THAT(fault_of(planted::SourceLane<Is::kWrong>{}, 1, out.data()),
              HasSubstr("its source lane is not in its mask"));
}

TEST(DeviceEngine, RefusesAMaskWithoutTheLaneItself) {
  EXPECT_THAT(fault_of(planted::OwnLane<Is::kWrong>{}, 1), HasSubstr("its mask lacks its own lane"));
}

TEST(DeviceEngine, RefusesTwoOperationsInOneExchange) {
  EXPECT_THAT(fault_of(planted::OneOperation<Is::kWrong>{}, 1), HasSubstr("of another kind"));
}

TEST(DeviceEngine, RefusesTwoMasksInOneExchange) {
  EXPECT_THAT(fault_of(planted::OneMask<Is::kWrong>{}, 1), HasSubstr("with another mask"));
}

TEST(DeviceEngine, RefusesGridsThatCudaRefuses) {
  const auto nothing = [](GridThread&, void*) {};
  GridStacks stacks;
  EXPECT_THROW(run_grid({.blocks = 0, .threads = 32}, {}, stacks, nothing), KernelFault);
  EXPECT_THROW(run_grid({.blocks = 1, .threads = 0}, {}, stacks, nothing), KernelFault);
  EXPECT_THROW(run_grid({.blocks = 1, .threads = 1025}, {}, stacks, nothing), KernelFault);
  run_grid({.blocks = 1, .threads = 1024}, {}, stacks, nothing);
}

TEST(DeviceEngine, LaunchesNothingWithoutBlocks) {
  HostLauncher launch;
  unsigned count = 0;
  launch(planted::CountBlocks<Is::kRight>{}, 0, &count);
  EXPECT_EQ(count, 0u);
}

TEST(DeviceEngine, PassesOnWhatABodyThrows) {
  const auto fail = [](GridThread& thread, void*) {
    if (place_of(thread).thread == 5) throw WireError("thread 5");
    block_barrier(thread);
  };
  GridStacks stacks;
  EXPECT_THROW(run_grid({.blocks = 2, .threads = 32}, {}, stacks, fail), WireError);
}

// A frame deeper than a stack: what it writes lies in the page that cannot be touched.
[[gnu::noinline]] unsigned deep(unsigned depth) {
  volatile unsigned frame[512];
  frame[depth % 512] = depth;
  return depth == 0 ? 0 : deep(depth - 1) + frame[depth % 512];
}

TEST(DeviceEngineDeathTest, EndsWhereAStackOverflows) {
  const auto overflow = [](GridThread&, void*) { static_cast<void>(deep(1000)); };
  GridStacks stacks;
  EXPECT_DEATH(run_grid({.blocks = 1, .threads = 2}, {.is_shuffled = false}, stacks, overflow), "");
}

}  // namespace
}  // namespace sterna::device
