#include "runtime/tensor/cuda/device_stream.h"

#include <algorithm>
#include <cstring>

namespace sterna::tensor::cuda {
namespace {

// Copies pass through pinned memory of this length, piece by piece: what is not pinned, CUDA copies in its
// own time, whatever the stream's order.
constexpr std::size_t kStagingBytes = std::size_t{4} << 20;

}  // namespace

DeviceStream::DeviceStream()
    : stream_(make_stream()),
      launch_(stream_.get()),
      libraries_(stream_.get()),
      partials_(kRowSumPartials, stream_.get()),
      staging_(allocate_pinned(kStagingBytes)) {}

void DeviceStream::copy_from_host(std::span<const std::byte> host, std::byte* to) {
  for (std::size_t begin = 0; begin < host.size(); begin += kStagingBytes) {
    const std::size_t bytes = std::min(kStagingBytes, host.size() - begin);
    std::memcpy(staging_.get(), host.data() + begin, bytes);
    device::check_cuda(
        cudaMemcpyAsync(to + begin, staging_.get(), bytes, cudaMemcpyHostToDevice, stream_.get()),
        "cudaMemcpyAsync");
    wait();
  }
}

void DeviceStream::copy_to_host(const std::byte* from, std::span<std::byte> host) {
  for (std::size_t begin = 0; begin < host.size(); begin += kStagingBytes) {
    const std::size_t bytes = std::min(kStagingBytes, host.size() - begin);
    device::check_cuda(
        cudaMemcpyAsync(staging_.get(), from + begin, bytes, cudaMemcpyDeviceToHost, stream_.get()),
        "cudaMemcpyAsync");
    wait();
    std::memcpy(host.data() + begin, staging_.get(), bytes);
  }
}

void DeviceStream::wait() const {
  device::check_cuda(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
}

}  // namespace sterna::tensor::cuda
