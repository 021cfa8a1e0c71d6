// Blocks of a test that lie in the memory of a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "tests/collectives/communicator_contract.h"

namespace sterna::collectives {

// Of the device that is this thread's current one: the communicator makes its own that.
class DeviceBlocks : public BlockMemory {
 public:
  [[nodiscard]] std::byte* allocate(std::size_t bytes) const override {
    void* address = nullptr;
    EXPECT_EQ(cudaMalloc(&address, bytes), cudaSuccess);
    return static_cast<std::byte*>(address);
  }
  // What has been enqueued still reads and writes there.
  void free(std::byte* address) const override {
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(cudaFree(address), cudaSuccess);
  }
  void write(std::span<const std::byte> from, std::byte* to) const override {
    copy(from.data(), to, from.size(), cudaMemcpyHostToDevice);
  }
  void read(const std::byte* from, std::span<std::byte> to) const override {
    copy(from, to.data(), to.size(), cudaMemcpyDeviceToHost);
  }

 private:
  static void copy(const void* from, void* to, std::size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return;
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);  // no stream of a communicator waits for the default one
    EXPECT_EQ(cudaMemcpy(to, from, bytes, kind), cudaSuccess);
  }
};

}  // namespace sterna::collectives
