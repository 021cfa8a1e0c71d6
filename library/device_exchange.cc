#include "sterna/device_exchange.h"

#include "library/calls.h"
#include "library/gpu.h"
#include "library/settings.h"
#include "library/world.h"
#include "runtime/collectives/agreement.h"
#include "runtime/core/errors.h"

namespace sterna {

class DeviceExchange::Implementation {
 public:
  Implementation(collectives::Communicator& control, std::chrono::milliseconds time_limit,
                 std::span<const Parameter> parameters, const ExchangeSettings& settings,
                 std::optional<int> device) {
    collectives::agree(control, mistake_of([&] {
                         table_ = table_of(parameters);
                         options_ = options_of(settings, control.ranks());
                       }));
    collectives::require_equal(control, "exchange", describe(options_, table_, "in GPUs' memory"));
    gpu_ = make_gpu(control, time_limit, table_, options_, device);
    calls_ = std::make_unique<Calls>(gpu_->comm(), table_, gpu_->local_learners());
  }

  Sent reduce_to_mean(std::span<const std::span<float>> gradients, CUstream_st* stream) {
    calls_->require(gradients);
    require_on_device(gradients);
    const auto step = [&] { gpu_->reduce_to_mean(calls_->steps(), addresses_, stream); };
    return calls_->run_step(step,
                            [&](std::size_t i) -> const exchange::LayerTraffic& { return gpu_->traffic(i); });
  }

  void wait() {
    calls_->require_usable();
    calls_->run([&] { gpu_->wait(); });
  }

  void set_compression(bool is_on) { gpu_->set_compression(is_on); }

  [[nodiscard]] bool is_compressed(std::size_t parameter) const {
    calls_->require_parameter(parameter);
    return gpu_->is_compressed(parameter);
  }

  [[nodiscard]] int device() const { return gpu_->device(); }
  [[nodiscard]] std::uint64_t steps() const { return calls_->steps(); }
  [[nodiscard]] std::uint32_t learners() const { return options_.learners; }
  [[nodiscard]] const exchange::LocalLearners& local() const { return gpu_->local_learners(); }

 private:
  void require_on_device(std::span<const std::span<float>> gradients) {
    addresses_.clear();
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const std::string elsewhere = gpu_->elsewhere(gradients[i].data());
      if (!elsewhere.empty()) {
        throw ConfigError(cat(
            "[exchange] ", calls_->name_of(i), ": must lie in the memory of GPU ", gpu_->device(), ", not ",
            elsewhere, "; sterna::Exchange takes the host's, and DeviceExchange's `device` names a GPU"));
      }
      addresses_.push_back(gradients[i].data());
    }
  }

  tensor::ParameterTable table_;
  exchange::ExchangeOptions options_;
  std::unique_ptr<Gpu> gpu_;
  std::unique_ptr<Calls> calls_;
  std::vector<float*> addresses_;
};

DeviceExchange::DeviceExchange(World& world, std::vector<Parameter> parameters,
                               const ExchangeSettings& settings, std::optional<int> device)
    : implementation_(std::make_unique<Implementation>(
          *world.implementation_->comm, world.implementation_->time_limit, parameters, settings, device)) {}

DeviceExchange::~DeviceExchange() = default;

Sent DeviceExchange::reduce_to_mean(std::span<const std::span<float>> gradients, CUstream_st* stream) {
  return implementation_->reduce_to_mean(gradients, stream);
}

void DeviceExchange::wait() {
  implementation_->wait();
}

void DeviceExchange::set_compression(bool is_on) {
  implementation_->set_compression(is_on);
}

int DeviceExchange::device() const noexcept {
  return implementation_->device();
}

std::uint64_t DeviceExchange::steps() const noexcept {
  return implementation_->steps();
}

std::uint32_t DeviceExchange::learners() const noexcept {
  return implementation_->learners();
}

std::uint32_t DeviceExchange::local_learners() const noexcept {
  return implementation_->local().count;
}

std::uint32_t DeviceExchange::first_learner() const noexcept {
  return implementation_->local().first;
}

bool DeviceExchange::is_compressed(std::size_t parameter) const {
  return implementation_->is_compressed(parameter);
}

}  // namespace sterna
