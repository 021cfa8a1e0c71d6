// The context of a kernel on a GPU, and its launch. For files that nvcc compiles.
//
// Each function is one intrinsic: what is written here cannot be run without a GPU, so nothing is.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>

#include "runtime/device/context.h"
#include "runtime/device/stream_launcher.h"

namespace sterna::device {

class CudaContext {
 public:
  STERNA_DEVICE unsigned thread() const { return threadIdx.x; }
  STERNA_DEVICE unsigned threads() const { return blockDim.x; }
  STERNA_DEVICE unsigned block() const { return blockIdx.x; }
  STERNA_DEVICE unsigned blocks() const { return gridDim.x; }
  STERNA_DEVICE unsigned lane() const { return threadIdx.x % kWarpLanes; }
  STERNA_DEVICE unsigned warp() const { return threadIdx.x / kWarpLanes; }

  STERNA_DEVICE void sync() const { __syncthreads(); }
  STERNA_DEVICE void sync_warp(std::uint32_t mask = kAllLanes) const { __syncwarp(mask); }

  template <typename T>
  STERNA_DEVICE T shuffle(T value, unsigned lane, std::uint32_t mask = kAllLanes) const {
    return __shfl_sync(mask, value, static_cast<int>(lane));
  }
  template <typename T>
  STERNA_DEVICE T shuffle_xor(T value, unsigned lanes, std::uint32_t mask = kAllLanes) const {
    return __shfl_xor_sync(mask, value, static_cast<int>(lanes));
  }
  template <typename T>
  STERNA_DEVICE T shuffle_up(T value, unsigned lanes, std::uint32_t mask = kAllLanes) const {
    return __shfl_up_sync(mask, value, lanes);
  }
  STERNA_DEVICE std::uint32_t ballot(bool predicate, std::uint32_t mask = kAllLanes) const {
    return __ballot_sync(mask, predicate);
  }

  template <typename T>
  STERNA_DEVICE T atomic_add(T* at, T value) const {
    return atomicAdd(at, value);
  }
  template <typename T>
  STERNA_DEVICE T atomic_max(T* at, T value) const {
    return atomicMax(at, value);
  }
  template <typename T>
  STERNA_DEVICE T atomic_or(T* at, T value) const {
    return atomicOr(at, value);
  }
};

template <typename Kernel, typename... Arguments>
__global__ void __launch_bounds__(Kernel::kThreads) kernel_entry(Arguments... arguments) {
  __shared__ typename Kernel::Shared shared;
  CudaContext context;
  Kernel::run(context, shared, arguments...);
}

template <typename Kernel, typename... Arguments>
void StreamLauncher::operator()(Kernel, std::size_t blocks, const Arguments&... arguments) {
  static_assert(std::is_trivially_default_constructible_v<typename Kernel::Shared>);
  static_assert(sizeof(typename Kernel::Shared) <= 48 * 1024);
  if (blocks == 0) return;
  kernel_entry<Kernel, Arguments...>
      <<<static_cast<unsigned>(blocks), Kernel::kThreads, 0, stream_>>>(arguments...);
  check_cuda(cudaGetLastError(), "kernel launch");
}

}  // namespace sterna::device
