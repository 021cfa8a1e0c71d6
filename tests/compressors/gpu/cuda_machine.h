// A GPU for the tests of kernels: every piece of memory is one of the device's, and each copy waits for the
// stream.
#pragma once

#include <cuda_runtime_api.h>

#include <span>
#include <vector>

#include "runtime/device/stream_launcher.h"

namespace sterna::compressors::gpu {

class CudaMachine {
 public:
  using Launcher = device::StreamLauncher;

  explicit CudaMachine(std::uint64_t) : launcher_(nullptr) {}
  ~CudaMachine() {
    for (void* const piece : pieces_) cudaFree(piece);
  }
  CudaMachine(const CudaMachine&) = delete;
  CudaMachine& operator=(const CudaMachine&) = delete;

  Launcher& launcher() { return launcher_; }

  template <typename T>
  std::span<T> upload(std::span<const T> values) {
    void* piece = nullptr;
    device::check_cuda(cudaMalloc(&piece, values.size_bytes() + 1), "cudaMalloc");
    pieces_.push_back(piece);
    device::check_cuda(cudaMemcpy(piece, values.data(), values.size_bytes(), cudaMemcpyHostToDevice),
                       "cudaMemcpy");
    return {static_cast<T*>(piece), values.size()};
  }
  template <typename T>
  void download(std::span<const T> from, std::span<T> values) {
    device::check_cuda(cudaStreamSynchronize(nullptr), "cudaStreamSynchronize");
    device::check_cuda(cudaMemcpy(values.data(), from.data(), from.size_bytes(), cudaMemcpyDeviceToHost),
                       "cudaMemcpy");
  }
  void release() {
    for (void* const piece : pieces_) device::check_cuda(cudaFree(piece), "cudaFree");
    pieces_.clear();
  }

 private:
  Launcher launcher_;
  std::vector<void*> pieces_;
};

}  // namespace sterna::compressors::gpu
