// For builds without CUDA, in which no run has a device.
#include "runtime/core/errors.h"
#include "runtime/device_choice.h"
#include "runtime/step_exchange.h"

namespace sterna {

std::unique_ptr<StepExchange> make_device_step_exchange(Run&, const exchange::ExchangeOptions&, std::size_t) {
  throw InternalError("[train] an exchange on a device, in a build without CUDA");
}

int gpu_of_rank(collectives::Communicator&) {
  throw ConfigError("[train] device = cuda: this build has no CUDA; use --device cpu");
}

}  // namespace sterna
