// For builds without CUDA.
#include "library/gpu.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"

namespace sterna {

std::unique_ptr<Gpu> make_gpu(collectives::Communicator& control, std::chrono::milliseconds time_limit,
                              const tensor::ParameterTable&, const exchange::ExchangeOptions&,
                              std::optional<int> device) {
  (void)collectives::make_nccl(control, time_limit,
                               {.setting = kGpuSetting, .instead = kGpuInstead, .device = device});
  throw InternalError("[exchange] a build without CUDA has made a communicator over NCCL");
}

}  // namespace sterna
