// A stream of a GPU, and memory that work on it touches: freed with its owner, once the stream is done with
// it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/device/stream_launcher.h"

namespace sterna::tensor::cuda {

// Destructors report nothing: what fails there has failed before.
struct DestroyStream {
  void operator()(cudaStream_t stream) const {
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
  }
};
using Stream = std::unique_ptr<CUstream_st, DestroyStream>;

struct FreeDevice {
  void operator()(std::byte* address) const {
    cudaStreamSynchronize(stream);
    cudaFree(address);
  }
  cudaStream_t stream = nullptr;
};
using DeviceBytes = std::unique_ptr<std::byte, FreeDevice>;

struct FreePinned {
  void operator()(std::byte* address) const { cudaFreeHost(address); }
};
using PinnedBytes = std::unique_ptr<std::byte, FreePinned>;

// On this thread's current device; device memory on a 256-byte border. Throw CommError, std::bad_alloc where
// memory is short.
[[nodiscard]] Stream make_stream();  // which waits for no other
[[nodiscard]] DeviceBytes allocate_device(std::size_t bytes, cudaStream_t stream);
[[nodiscard]] PinnedBytes allocate_pinned(
    std::size_t bytes);  // of the host, which the device reads and writes

// So many elements, which hold anything at first.
template <typename Element>
class DeviceArray {
 public:
  DeviceArray(std::size_t elements, cudaStream_t stream)
      : bytes_(allocate_device(elements * sizeof(Element), stream)), elements_(elements) {}

  [[nodiscard]] Element* data() const { return reinterpret_cast<Element*>(bytes_.get()); }
  [[nodiscard]] std::span<Element> all() const { return {data(), elements_}; }

 private:
  DeviceBytes bytes_;
  std::size_t elements_;
};

}  // namespace sterna::tensor::cuda
