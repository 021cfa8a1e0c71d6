#include "runtime/tensor/cuda/device_memory.h"

#include <algorithm>
#include <new>

namespace sterna::tensor::cuda {
namespace {

void check_allocation(cudaError_t error, const char* call) {
  if (error == cudaErrorMemoryAllocation) throw std::bad_alloc();
  device::check_cuda(error, call);
}

}  // namespace

Stream make_stream() {
  cudaStream_t stream = nullptr;
  device::check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return Stream(stream);
}

// CUDA has no memory of 0 bytes.
DeviceBytes allocate_device(std::size_t bytes, cudaStream_t stream) {
  void* address = nullptr;
  check_allocation(cudaMalloc(&address, std::max<std::size_t>(bytes, 1)), "cudaMalloc");
  return DeviceBytes(static_cast<std::byte*>(address), FreeDevice{stream});
}

PinnedBytes allocate_pinned(std::size_t bytes) {
  void* address = nullptr;
  check_allocation(cudaMallocHost(&address, bytes), "cudaMallocHost");
  return PinnedBytes(static_cast<std::byte*>(address));
}

}  // namespace sterna::tensor::cuda
