// The part of DeviceExchange that needs CUDA. Internal to the library.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "runtime/collectives/communicator.h"
#include "runtime/exchange/exchange.h"
#include "runtime/tensor/parameter_table.h"
#include "sterna/device_exchange.h"

namespace sterna {

class Gpu {
 public:
  virtual ~Gpu() = default;

  [[nodiscard]] virtual int device() const = 0;
  [[nodiscard]] virtual const collectives::Communicator& comm() const = 0;
  [[nodiscard]] virtual const exchange::LocalLearners& local_learners() const = 0;

  // Where a gradient lies that is not in this GPU's memory: "in the host's memory"; or "".
  [[nodiscard]] virtual std::string elsewhere(const float* gradient) const = 0;

  // As exchange::DeviceGradientExchange's; the calling thread's current device stays what it was.
  virtual void reduce_to_mean(std::uint64_t step, std::span<float* const> gradients, CUstream_st* stream) = 0;
  virtual void wait() = 0;
  virtual void set_compression(bool is_on) = 0;
  [[nodiscard]] virtual bool is_compressed(std::size_t parameter) const = 0;
  [[nodiscard]] virtual const exchange::LayerTraffic& traffic(std::size_t parameter) const = 0;
};

// Makes its device the calling thread's current one. Collective. The table outlives it. Throws
// AgreedConfigError, CommError.
//   control  over all ranks
[[nodiscard]] std::unique_ptr<Gpu> make_gpu(collectives::Communicator& control,
                                            std::chrono::milliseconds time_limit,
                                            const tensor::ParameterTable& table,
                                            const exchange::ExchangeOptions& options,
                                            std::optional<int> device);

// Who asks, for make_nccl().
inline constexpr char kGpuSetting[] = "gradients in a GPU's memory";
inline constexpr char kGpuInstead[] = "hand sterna::Exchange gradients in the host's memory";

}  // namespace sterna
