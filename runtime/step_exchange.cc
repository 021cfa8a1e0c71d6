#include "runtime/step_exchange.h"

#include "runtime/collectives/make_communicator.h"
#include "runtime/run.h"

namespace sterna {
namespace {

class HostStepExchange final : public StepExchange {
 public:
  explicit HostStepExchange(exchange::GradientExchange& exchange) : exchange_(exchange) {}

  void begin(Run& run, std::uint64_t step) override {
    run.bucket_exchange->begin(step, run.gradients, run.mean);
  }

  // A copy is not there yet when a device's gradient is.
  void tell_ready(Run& run, std::size_t parameter) override {
    if (!run.on_device) run.bucket_exchange->tell_ready(parameter);
  }

  void gradients_are_final(Run& run, std::uint32_t local_learner) override {
    if (!run.on_device) return;
    run.on_device->fetch_gradient(local_learner, run.gradients[local_learner]);
    if (local_learner + 1 < run.local.count) return;
    for (std::size_t i = 0; i < run.model->parameters().size(); ++i) run.bucket_exchange->tell_ready(i);
  }

  exchange::ExchangeRecord finish(Run& run) override {
    exchange::ExchangeRecord record = run.bucket_exchange->finish();
    if (run.on_device) run.on_device->load_mean(run.mean);
    return record;
  }

  exchange::LayerExchange& layers() override { return exchange_; }

 private:
  exchange::GradientExchange& exchange_;
};

}  // namespace

std::unique_ptr<StepExchange> make_host_step_exchange(exchange::GradientExchange& exchange) {
  return std::make_unique<HostStepExchange>(exchange);
}

bool exchanges_on_device(const Run& run) {
  return run.device != nullptr && run.comm.name() == collectives::kNcclName;
}

}  // namespace sterna
