#include "runtime/device/engine.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/device/fiber.h"

namespace sterna::device {
namespace {

class Block;

}  // namespace

class GridThread {
 public:
  enum class State { kReady, kAtBarrier, kInExchange, kEnded };

  GridThread(Block& owner, const ThreadPlace& at, std::span<std::byte> stack, void* end_of_grid)
      : block(owner), place(at), end_tag(end_of_grid), fiber(stack, &GridThread::run, this) {}

  unsigned lane() const { return place.thread % kWarpLanes; }
  unsigned warp() const { return place.thread / kWarpLanes; }

  // A grid that fails leaves its threads where they have paused.
  void pause() {
    order_before(end_tag);
    fiber.pause();
  }

  Block& block;
  ThreadPlace place;
  void* end_tag;
  State state = State::kReady;
  const char* operation = "";  // that it waits in
  std::uint32_t mask = 0;      // and with which lanes
  std::uint64_t brought = 0;
  WarpValues received{};
  Fiber fiber;

 private:
  static void run(void* self);
};

namespace {

using State = GridThread::State;

std::string name_of(const GridThread& thread) {
  return cat("block ", thread.place.block, ", thread ", thread.place.thread);
}

// What all blocks of a launch have in common.
struct Launch {
  const Grid& grid;
  const Schedule& schedule;
  GridStacks& stacks;
  const std::function<void(GridThread&, void*)>& body;
  std::mt19937_64 random;
  char end_tag = 0;  // orders the grid before what its caller does next

  void shuffle(std::vector<unsigned>& order) {
    if (!schedule.is_shuffled) return;
    for (std::size_t left = order.size(); left > 1; --left)
      std::swap(order[left - 1], order[random() % left]);
  }
};

// However a grid ends, its caller comes after it.
class EndOfGrid {
 public:
  explicit EndOfGrid(Launch& launch) : launch_(launch) {}
  ~EndOfGrid() { order_after(&launch_.end_tag); }
  EndOfGrid(const EndOfGrid&) = delete;
  EndOfGrid& operator=(const EndOfGrid&) = delete;

 private:
  Launch& launch_;
};

std::vector<unsigned> counted(unsigned count) {
  std::vector<unsigned> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

// The threads of one block, their stacks, and their shared memory.
class Block {
 public:
  Block(Launch& launch, unsigned index)
      : launch_(launch),
        shared_(::operator new(std::max<std::size_t>(launch.grid.shared_bytes, 1))),
        stacks_(launch.stacks.take(launch.grid.threads)),
        warps_(launch.grid.threads / kWarpLanes + 1),
        warp_tags_(warps_.size()) {
    std::memset(shared_.get(), 0xff, launch.grid.shared_bytes);
    threads_.reserve(launch.grid.threads);
    for (unsigned i = 0; i < launch.grid.threads; ++i) {
      threads_.push_back(std::make_unique<GridThread>(
          *this,
          ThreadPlace{
              .thread = i, .threads = launch.grid.threads, .block = index, .blocks = launch.grid.blocks},
          stacks_->stack(i), &launch.end_tag));
      warps_[i / kWarpLanes].existing |= std::uint32_t{1} << (i % kWarpLanes);
    }
  }

  // Rounds in which each thread that can go on does so once; but for some rounds one warp, or none, is left
  // behind, so that others come to what it has not read yet.
  void run() {
    constexpr unsigned kRoundsBehind = 8;
    const std::size_t none = warps_.size();
    std::vector<unsigned> order = counted(launch_.grid.threads);
    std::size_t behind = none;
    bool has_gone_on = true;
    bool is_any_behind = false;
    for (unsigned round = 0; has_gone_on || is_any_behind; ++round) {
      if (!has_gone_on) {
        behind = none;
      } else if (launch_.schedule.is_shuffled && round % kRoundsBehind == 0) {
        behind = launch_.random() % (2 * none);
      }
      has_gone_on = false;
      is_any_behind = false;
      launch_.shuffle(order);
      for (const unsigned i : order) {
        if (threads_[i]->state != State::kReady) continue;
        if (threads_[i]->warp() == behind) {
          is_any_behind = true;
          continue;
        }
        has_gone_on = true;
        threads_[i]->fiber.resume();
        if (error_) std::rethrow_exception(error_);
      }
    }
    fail_if_any_waits();
  }

  void run_body(GridThread& thread) {
    try {
      launch_.body(thread, shared_.get());
    } catch (...) {
      error_ = std::current_exception();
    }
    thread.state = State::kEnded;
    warps_[thread.warp()].ended |= std::uint32_t{1} << thread.lane();
    order_before(&launch_.end_tag);
  }

  void barrier(GridThread& thread) {
    order_before(&barrier_tag_);
    if (++at_barrier_ == threads_.size()) {
      at_barrier_ = 0;
      for (const auto& other : threads_) other->state = State::kReady;
    } else {
      thread.state = State::kAtBarrier;
      thread.operation = "sync";
    }
    thread.pause();
    order_after(&barrier_tag_);
  }

  void exchange(GridThread& thread, const char* operation, bool orders_memory) {
    if (orders_memory) order_before(&warp_tags_[thread.warp()]);
    thread.state = State::kInExchange;
    thread.operation = operation;
    Warp& warp = warps_[thread.warp()];
    const std::uint32_t named = thread.mask & warp.existing;
    if ((named & warp.ended) != 0) fail_in(thread, operation, "a lane that it names has ended");
    warp.come |= std::uint32_t{1} << thread.lane();
    if ((named & ~warp.come) == 0) hand_out(thread, named);
    thread.pause();
    if (orders_memory) order_after(&warp_tags_[thread.warp()]);
  }

 private:
  struct Deleter {
    void operator()(void* memory) const { ::operator delete(memory); }
  };

  // The lanes that a short last warp has, those that wait in an exchange, and those that have ended.
  struct Warp {
    std::uint32_t existing = 0;
    std::uint32_t come = 0;
    std::uint32_t ended = 0;
  };

  // To all that the last one to come names. Copies: a lane may bring the next value before another has looked
  // at this one.
  void hand_out(const GridThread& last, std::uint32_t named) {
    WarpValues values{};
    for_each_lane(last, named, [&](GridThread& lane) {
      if (lane.mask != last.mask ||
          (lane.operation != last.operation && std::strcmp(lane.operation, last.operation) != 0)) {
        throw KernelFault(cat("[device] ", last.operation, " in ", name_of(last), " meets ", lane.operation,
                              " in lane ", lane.lane(), ", of another kind or with another mask"));
      }
      values[lane.lane()] = lane.brought;
    });
    for_each_lane(last, named, [&](GridThread& lane) {
      lane.received = values;
      lane.state = State::kReady;
    });
    warps_[last.warp()].come &= ~named;
  }

  template <typename Use>
  void for_each_lane(const GridThread& thread, std::uint32_t lanes, const Use& use) {
    for (; lanes != 0; lanes &= lanes - 1) {
      use(*threads_[thread.warp() * kWarpLanes + static_cast<unsigned>(std::countr_zero(lanes))]);
    }
  }

  void fail_if_any_waits() const {
    constexpr std::size_t kNamed = 4;
    std::size_t waiting = 0;
    std::string names;
    for (const auto& thread : threads_) {
      if (thread->state == State::kEnded) continue;
      if (waiting++ < kNamed) names += cat(" [", name_of(*thread), " in ", thread->operation, "]");
    }
    if (waiting == 0) return;
    throw KernelFault(cat("[device] deadlock: ", waiting, " threads wait, ", threads_.size() - waiting,
                          " have ended:", names));
  }

  Launch& launch_;
  // Of the heap, so that the address sanitizer knows where it ends.
  std::unique_ptr<void, Deleter> shared_;
  std::shared_ptr<const FiberStacks> stacks_;
  std::vector<std::unique_ptr<GridThread>> threads_;
  std::size_t at_barrier_ = 0;
  std::exception_ptr error_;
  char barrier_tag_ = 0;
  std::vector<Warp> warps_;
  std::vector<char> warp_tags_;
};

}  // namespace

void GridThread::run(void* self) {
  auto& thread = *static_cast<GridThread*>(self);
  thread.block.run_body(thread);
}

void run_grid(const Grid& grid, const Schedule& schedule, GridStacks& stacks,
              const std::function<void(GridThread&, void* shared)>& body) {
  constexpr unsigned kMaxThreads = 1024;
  if (grid.blocks == 0 || grid.threads == 0 || grid.threads > kMaxThreads) {
    throw KernelFault(cat("[device] grid of ", grid.blocks, " blocks of ", grid.threads,
                          " threads: must be at least one of each, and at most ", kMaxThreads,
                          " threads to a block"));
  }
  Launch launch{.grid = grid,
                .schedule = schedule,
                .stacks = stacks,
                .body = body,
                .random = std::mt19937_64(schedule.seed)};
  std::vector<unsigned> order = counted(grid.blocks);
  launch.shuffle(order);
  std::vector<std::unique_ptr<Block>> blocks;
  const EndOfGrid end(launch);
  for (const unsigned index : order) {
    blocks.push_back(std::make_unique<Block>(launch, index));
    blocks.back()->run();
    if (!is_under_thread_sanitizer()) blocks.clear();
  }
}

GridStacks::GridStacks() = default;
GridStacks::~GridStacks() = default;

std::shared_ptr<const FiberStacks> GridStacks::take(unsigned count) {
  if (kept_ == nullptr || kept_->count() < count || is_under_thread_sanitizer()) {
    kept_ = std::make_shared<const FiberStacks>(count);
  }
  return kept_;
}

const ThreadPlace& place_of(const GridThread& thread) {
  return thread.place;
}

void yield(GridThread& thread) {
  thread.pause();
}

void block_barrier(GridThread& thread) {
  thread.block.barrier(thread);
}

const WarpValues& warp_exchange(GridThread& thread, std::uint32_t mask, std::uint64_t value,
                                const char* operation, bool orders_memory) {
  if ((mask >> thread.lane() & 1) == 0) fail_in(thread, operation, "its mask lacks its own lane");
  thread.mask = mask;
  thread.brought = value;
  thread.block.exchange(thread, operation, orders_memory);
  return thread.received;
}

void fail_in(const GridThread& thread, const char* operation, const char* what) {
  throw KernelFault(cat("[device] ", operation, " in ", name_of(thread), ": ", what));
}

}  // namespace sterna::device
