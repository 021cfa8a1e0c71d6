// Runs a grid of GPU threads on one CPU thread: each is a fiber, and what CUDA leaves undefined is an error.
//
// The threads of a block live at once and take turns at every barrier, exchange and atomic, in an order that
// the seed decides; blocks run one after the other, in such an order too. Kernels come here through
// HostContext and HostLauncher (host_context.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/device/context.h"
#include "sterna/errors.h"

namespace sterna::device {

// What a kernel does that CUDA leaves undefined, or where it would wait for ever; names block and thread.
class KernelFault : public InternalError {
  using InternalError::InternalError;
};

// The order of turns: the same seed gives the same run.
struct Schedule {
  std::uint64_t seed = 0;
  bool is_shuffled = true;  // else in the order of indices
};

struct Grid {
  unsigned blocks = 0;   // at least 1
  unsigned threads = 0;  // of a block: 1 to 1024
  std::size_t shared_bytes = 0;
};

class GridThread;
class FiberStacks;

// Stacks that grids use one after the other: to make them takes longer than most kernels.
class GridStacks {
 public:
  GridStacks();
  ~GridStacks();

  // At least so many. Anew where they may not be used again: under the thread sanitizer, to which what used
  // them before would seem ordered.
  [[nodiscard]] std::shared_ptr<const FiberStacks> take(unsigned count);

 private:
  std::shared_ptr<const FiberStacks> kept_;
};

// Runs body(thread, shared) for all threads of a grid. `shared` is a block's own memory, of all-one bits at
// first, which read as NaN. Throws KernelFault, or what a body throws; what the other threads would have done
// is left out then.
void run_grid(const Grid& grid, const Schedule& schedule, GridStacks& stacks,
              const std::function<void(GridThread&, void* shared)>& body);

// What a thread's index is made of.
struct ThreadPlace {
  unsigned thread = 0;
  unsigned threads = 0;
  unsigned block = 0;
  unsigned blocks = 0;
};
[[nodiscard]] const ThreadPlace& place_of(const GridThread& thread);

// Gives the other threads of the block a turn.
void yield(GridThread& thread);

// Until all threads of the block have come to a barrier. One that has ended never comes.
void block_barrier(GridThread& thread);

// One value for each lane; 0 where the mask names none.
using WarpValues = std::array<std::uint64_t, kWarpLanes>;

// What all shuffles, votes and warp barriers are: until every lane of the mask has come with the same mask
// and operation; returns what each of them brought. Lanes past the end of a short last warp do not count.
//   operation      a string literal, for comparison and errors
//   orders_memory  whether it orders what lanes wrote before it; of CUDA's, __syncwarp() alone does
[[nodiscard]] const WarpValues& warp_exchange(GridThread& thread, std::uint32_t mask, std::uint64_t value,
                                              const char* operation, bool orders_memory);

// Throws KernelFault with thread and operation named.
[[noreturn]] void fail_in(const GridThread& thread, const char* operation, const char* what);

}  // namespace sterna::device
