// Gradients of this rank's learners in a GPU's memory, with a stream of the test's own: what writes them, and
// what reads the mean, is enqueued there and not waited for.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "runtime/collectives/nccl/device.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna::exchange {

class DeviceGradients {
 public:
  DeviceGradients(const tensor::ParameterTable& table, std::size_t local_learners)
      : table_(table), local_learners_(local_learners), stream_(collectives::make_stream()) {
    for (std::size_t i = 0; i < local_learners * table.size(); ++i) {
      const std::size_t bytes = elements(i) * sizeof(float);
      device_.push_back(collectives::allocate_device(bytes));
      pinned_.push_back(collectives::allocate_pinned(bytes));
      addresses_.push_back(reinterpret_cast<float*>(device_.back().get()));
    }
  }
  ~DeviceGradients() { EXPECT_EQ(cudaStreamSynchronize(stream()), cudaSuccess); }
  DeviceGradients(const DeviceGradients&) = delete;
  DeviceGradients& operator=(const DeviceGradients&) = delete;

  [[nodiscard]] std::span<float* const> addresses() const { return addresses_; }
  [[nodiscard]] cudaStream_t stream() const { return stream_.get(); }

  // Enqueues the copy to the device, by way of zeros: who does not wait for the stream reads what has been
  // there, or these.
  void write(std::span<const AlignedVector<float>> arenas) {
    for (std::size_t i = 0; i < device_.size(); ++i) {
      const auto values = table_.slice(std::span<const float>(arenas[i / table_.size()]), i % table_.size());
      std::ranges::copy(std::as_bytes(values), pinned_[i].get());
      EXPECT_EQ(cudaMemsetAsync(device_[i].get(), 0, values.size_bytes(), stream()), cudaSuccess);
      EXPECT_EQ(cudaMemcpyAsync(device_[i].get(), pinned_[i].get(), values.size_bytes(),
                                cudaMemcpyHostToDevice, stream()),
                cudaSuccess);
    }
  }

  // What is there when the stream comes to it, as arenas.
  [[nodiscard]] std::vector<AlignedVector<float>> read() {
    for (std::size_t i = 0; i < device_.size(); ++i) {
      EXPECT_EQ(cudaMemcpyAsync(pinned_[i].get(), device_[i].get(), elements(i) * sizeof(float),
                                cudaMemcpyDeviceToHost, stream()),
                cudaSuccess);
    }
    EXPECT_EQ(cudaStreamSynchronize(stream()), cudaSuccess);
    std::vector<AlignedVector<float>> arenas(local_learners_,
                                             AlignedVector<float>(table_.arena_elements(), 0.0f));
    for (std::size_t i = 0; i < device_.size(); ++i) {
      const auto values = table_.slice(std::span<float>(arenas[i / table_.size()]), i % table_.size());
      const auto* const from = reinterpret_cast<const float*>(pinned_[i].get());
      std::copy_n(from, values.size(), values.begin());
    }
    return arenas;
  }

 private:
  [[nodiscard]] std::size_t elements(std::size_t i) const { return table_[i % table_.size()].elements; }

  const tensor::ParameterTable& table_;
  std::size_t local_learners_;
  std::vector<collectives::DeviceBytes> device_;
  std::vector<collectives::PinnedBytes> pinned_;
  std::vector<float*> addresses_;
  collectives::Stream stream_;  // ends before the memory does
};

// Values of the device, once all its streams are done.
inline std::vector<float> values_of(std::span<const float> on_device) {
  std::vector<float> values(on_device.size());
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  if (values.empty()) return values;
  EXPECT_EQ(cudaMemcpy(values.data(), on_device.data(), on_device.size_bytes(), cudaMemcpyDeviceToHost),
            cudaSuccess);
  return values;
}

}  // namespace sterna::exchange
