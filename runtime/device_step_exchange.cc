// The exchange from the memory of this rank's GPU, over NCCL; and which GPU that is.
#include <algorithm>
#include <vector>

#include "runtime/collectives/make_communicator.h"
#include "runtime/collectives/nccl/device.h"
#include "runtime/collectives/nccl/device_stream.h"
#include "runtime/core/errors.h"
#include "runtime/device_choice.h"
#include "runtime/exchange/device/device_exchange.h"
#include "runtime/run.h"
#include "runtime/step_exchange.h"
#include "runtime/tensor/cuda/cuda_operations.h"

namespace sterna {
namespace {

class DeviceStepExchange final : public StepExchange {
 public:
  DeviceStepExchange(Run& run, const exchange::ExchangeOptions& options, std::size_t bucket_bytes)
      : exchange_(run.comm, run.model->parameters(), options, bucket_bytes) {}

  void begin(Run&, std::uint64_t step) override { step_ = step; }
  void tell_ready(Run&, std::size_t) override {}
  void gradients_are_final(Run&, std::uint32_t) override {}

  // All of a step is exposed: it begins behind backward, and the optimizer waits for it.
  exchange::ExchangeRecord finish(Run& run) override {
    const Stopwatch clock;
    exchange::ExchangeRecord record;
    const auto& operations = static_cast<const tensor::cuda::CudaOperations&>(run.operations());
    record.sent = exchange_.reduce_to_mean(step_, gradients_of(run), operations.stream());
    exchange_.wait();
    record.under_way.push_back(clock.interval());
    record.exposed_seconds = record.exchange_seconds();
    return record;
  }

  exchange::LayerExchange& layers() override { return exchange_; }

 private:
  // [local learners * parameters]
  std::span<float* const> gradients_of(Run& run) {
    if (!gradients_.empty()) return gradients_;
    const tensor::ParameterTable& table = run.model->parameters();
    for (std::uint32_t local = 0; local < run.local.count; ++local) {
      for (std::size_t i = 0; i < table.size(); ++i) {
        gradients_.push_back(table.slice(run.on_device->gradient(local), i).data());
      }
    }
    return gradients_;
  }

  exchange::DeviceGradientExchange exchange_;
  std::vector<float*> gradients_;
  std::uint64_t step_ = 0;
};

}  // namespace

std::unique_ptr<StepExchange> make_device_step_exchange(Run& run, const exchange::ExchangeOptions& options,
                                                        std::size_t bucket_bytes) {
  return std::make_unique<DeviceStepExchange>(run, options, bucket_bytes);
}

int gpu_of_rank(collectives::Communicator& comm) {
  if (comm.name() == collectives::kNcclName) return collectives::device_stream_of(comm).device();
  const collectives::VisibleDevices devices = collectives::visible_devices();
  if (devices.count == 0) {
    throw ConfigError(cat("[train] device = cuda: no GPU can be used (", devices.why_none,
                          "); see whether nvidia-smi shows one, or use --device cpu"));
  }
  const std::vector<int> host_of_rank = comm.hosts_by_rank();
  const auto own = host_of_rank.begin() + comm.rank();
  return static_cast<int>(std::count(host_of_rank.begin(), own, *own)) % devices.count;
}

}  // namespace sterna
