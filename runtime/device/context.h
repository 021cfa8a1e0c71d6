// What a kernel body may say: the vocabulary of one GPU thread, which two contexts speak.
//
// A kernel is a struct, written once and compiled twice, by nvcc with CudaContext (cuda_context.h) and by the
// host compiler with HostContext (host_context.h):
//
//   struct Kernel {
//     static constexpr unsigned kThreads = 256;  // of a block
//     struct Shared { ... };                     // all of its shared memory, trivially constructible
//     template <typename Context>
//     STERNA_DEVICE static void run(Context& context, Shared& shared, Arguments... arguments);
//   };
//
// A context has, with lanes and masks as CUDA has them:
//
//   thread() threads() block() blocks() lane() warp()
//   sync()  sync_warp(mask)
//   shuffle(value, lane, mask)  shuffle_xor(value, lanes, mask)  shuffle_up(value, lanes, mask)
//   ballot(predicate, mask)     a bit for each lane of the mask
//   atomic_add, atomic_max, atomic_or (pointer, value)   relaxed; each returns the value before
//
// A body calls nothing of CUDA itself: such a call does not compile for the host. Blocks may run one after
// the other: none may wait for another.
#pragma once

#include <cstdint>

// A macro, as CUDA's markers are no part of C++. Bodies are inlined: a context is a local without an address.
#ifdef __CUDACC__
#define STERNA_DEVICE __device__ __forceinline__
#else
#define STERNA_DEVICE inline
#endif

namespace sterna::device {

inline constexpr unsigned kWarpLanes = 32;
inline constexpr std::uint32_t kAllLanes = 0xffffffff;

// The bits of the lanes before this one.
constexpr std::uint32_t lanes_before(unsigned lane) {
  return (std::uint32_t{1} << lane) - 1;
}

}  // namespace sterna::device
