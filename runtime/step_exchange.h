// Stations 3 to 7 of one step, from the gradients of this rank's learners to their mean over all, wherever
// these lie: in the host's memory, in a device's of which the host exchanges copies, or in a device's alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/exchange/exchange.h"

namespace sterna {

struct Run;

class StepExchange {
 public:
  virtual ~StepExchange() = default;

  // No gradient of this step is final yet.
  virtual void begin(Run& run, std::uint64_t step) = 0;

  // This parameter's gradient is final for every local learner, or will be when the device has come so far.
  virtual void tell_ready(Run& run, std::size_t parameter) = 0;

  // All gradients of this local learner are.
  virtual void gradients_are_final(Run& run, std::uint32_t local_learner) = 0;

  // Returns when the mean lies where the optimizer reads it, run.working_mean(). Throws DivergedError,
  // WireError, CommError.
  [[nodiscard]] virtual exchange::ExchangeRecord finish(Run& run) = 0;

  // What its exchange knows of layers.
  [[nodiscard]] virtual exchange::LayerExchange& layers() = 0;
};

// Through the run's exchange, which is handed over and outlives this, and its buckets of the moment.
[[nodiscard]] std::unique_ptr<StepExchange> make_host_step_exchange(exchange::GradientExchange& exchange);

// Whether this run's gradients travel from the memory of its GPU, over NCCL.
[[nodiscard]] bool exchanges_on_device(const Run& run);

// For such a run, whose model is made. Throws ConfigError.
[[nodiscard]] std::unique_ptr<StepExchange> make_device_step_exchange(
    Run& run, const exchange::ExchangeOptions& options, std::size_t bucket_bytes);

}  // namespace sterna
