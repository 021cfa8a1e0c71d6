// The compressors' kernels on the stand-in's streams: each runs on the engine of fibers, when its stream
// comes to it.
#include "runtime/device/host_context.h"
#include "runtime/device/stream_launcher.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::device {
namespace {

void run_kernel(const std::function<void(HostLauncher&)>& kernel) {
  static HostLauncher engine;
  try {
    cuda_stand_in::run_on_device_memory([&] { kernel(engine); });
  } catch (const KernelFault& fault) {
    (void)cuda_stand_in::mistake(cudaErrorLaunchFailure, fault.what());
  }
}

}  // namespace

// In the place of cuda_context.h's.
template <typename Kernel, typename... Arguments>
void StreamLauncher::operator()(Kernel kernel, std::size_t blocks, const Arguments&... arguments) {
  if (blocks == 0) return;
  const auto work = [=] {
    run_kernel([&](HostLauncher& engine) { engine(kernel, blocks, arguments...); });
    return true;
  };
  check_cuda(cuda_stand_in::enqueue(stream_, work), "kernel launch");
}

}  // namespace sterna::device

namespace sterna::compressors::gpu {
using KernelLauncher = device::StreamLauncher;
}

#include "compressors/gpu/instances.h"
