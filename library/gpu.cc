#include "library/gpu.h"

#include "library/calls.h"
#include "runtime/collectives/agreement.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/collectives/nccl/device.h"
#include "runtime/collectives/nccl/device_stream.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/device/device_exchange.h"

namespace sterna {
namespace {

// Gives the calling thread back the device that was its current one. To be told of a device makes CUDA work
// there, and so it is told of none that is current already.
class CurrentDevice {
 public:
  CurrentDevice() { is_known_ = cudaGetDevice(&device_) == cudaSuccess; }
  ~CurrentDevice() {
    int now = 0;
    if (is_known_ && cudaGetDevice(&now) == cudaSuccess && now != device_) (void)cudaSetDevice(device_);
  }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int device_ = 0;
  bool is_known_ = false;
};

class CudaGpu final : public Gpu {
 public:
  CudaGpu(collectives::Communicator& control, std::chrono::milliseconds time_limit,
          const tensor::ParameterTable& table, const exchange::ExchangeOptions& options,
          std::optional<int> device) {
    nccl_ = collectives::make_nccl(control, time_limit,
                                   {.setting = kGpuSetting, .instead = kGpuInstead, .device = device});
    nccl_->set_hosts(control.hosts_by_rank());
    collectives::agree(control, mistake_of([&] {
                         exchange_ =
                             std::make_unique<exchange::DeviceGradientExchange>(*nccl_, table, options);
                       }));
  }
  ~CudaGpu() override {
    const CurrentDevice current;
    exchange_.reset();
    nccl_.reset();
  }
  CudaGpu(const CudaGpu&) = delete;
  CudaGpu& operator=(const CudaGpu&) = delete;

  [[nodiscard]] int device() const override { return collectives::device_stream_of(*nccl_).device(); }
  [[nodiscard]] const collectives::Communicator& comm() const override { return *nccl_; }
  [[nodiscard]] const exchange::LocalLearners& local_learners() const override {
    return exchange_->local_learners();
  }

  [[nodiscard]] std::string elsewhere(const float* gradient) const override {
    const CurrentDevice current;
    const std::optional<int> where = collectives::device_of(gradient, device());
    if (where == device()) return "";
    return where ? cat("in that of GPU ", *where) : "in the host's";
  }

  void reduce_to_mean(std::uint64_t step, std::span<float* const> gradients, CUstream_st* stream) override {
    const CurrentDevice current;
    exchange_->reduce_to_mean(step, gradients, stream);
  }
  void wait() override {
    const CurrentDevice current;
    exchange_->wait();
  }
  void set_compression(bool is_on) override { exchange_->set_compression(is_on); }
  [[nodiscard]] bool is_compressed(std::size_t parameter) const override {
    return exchange_->is_compressed(parameter);
  }
  [[nodiscard]] const exchange::LayerTraffic& traffic(std::size_t parameter) const override {
    return exchange_->traffic(parameter);
  }

 private:
  std::unique_ptr<collectives::Communicator> nccl_;
  std::unique_ptr<exchange::DeviceGradientExchange> exchange_;
};

}  // namespace

std::unique_ptr<Gpu> make_gpu(collectives::Communicator& control, std::chrono::milliseconds time_limit,
                              const tensor::ParameterTable& table, const exchange::ExchangeOptions& options,
                              std::optional<int> device) {
  return std::make_unique<CudaGpu>(control, time_limit, table, options, device);
}

}  // namespace sterna
