// The compressors' kernels on the stand-in's streams.
#include "tests/support/cuda/launch.h"

namespace sterna::cuda_stand_in {

void run_kernel(const std::function<void(device::HostLauncher&)>& kernel) {
  static device::HostLauncher engine;
  try {
    run_on_device_memory([&] { kernel(engine); });
  } catch (const device::KernelFault& fault) {
    (void)mistake(cudaErrorLaunchFailure, fault.what());
  }
}

}  // namespace sterna::cuda_stand_in

namespace sterna::compressors::gpu {
using KernelLauncher = device::StreamLauncher;
}

#include "compressors/gpu/instances.h"
