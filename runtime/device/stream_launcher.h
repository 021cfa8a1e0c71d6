// Enqueues kernels on a stream of a GPU. For any compiler, but for the launch itself, which is in
// cuda_context.h.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "runtime/core/errors.h"

namespace sterna::device {

// Throws CommError with the call named.
inline void check_cuda(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  throw CommError(cat("[device] ", call, " = ", cudaGetErrorName(error), ": ", cudaGetErrorString(error),
                      "; `nvidia-smi` says whether driver and GPU are well"));
}

// What it is handed lies in device memory, and lives until the stream has come by.
class StreamLauncher {
 public:
  explicit StreamLauncher(cudaStream_t stream) : stream_(stream) {}

  // Nothing happens with 0 blocks, which CUDA refuses. Throws CommError where CUDA refuses a launch.
  template <typename Kernel, typename... Arguments>
  void operator()(Kernel kernel, std::size_t blocks, const Arguments&... arguments);

  void zero(void* at, std::size_t bytes) {
    if (bytes != 0) check_cuda(cudaMemsetAsync(at, 0, bytes, stream_), "cudaMemsetAsync");
  }

  void copy(const void* from, void* to, std::size_t bytes) {
    if (bytes == 0) return;
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_), "cudaMemcpyAsync");
  }

 private:
  cudaStream_t stream_;
};

}  // namespace sterna::device
