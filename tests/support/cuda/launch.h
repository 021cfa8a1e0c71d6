// A kernel's launch on the stand-in's streams: it runs on the engine of fibers when its stream comes to it.
// In the place of runtime/device/cuda_context.h.
#pragma once

#include "runtime/device/host_context.h"
#include "runtime/device/stream_launcher.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::cuda_stand_in {

// Runs it now, and reports a KernelFault as a mistake.
void run_kernel(const std::function<void(device::HostLauncher&)>& kernel);

}  // namespace sterna::cuda_stand_in

namespace sterna::device {

template <typename Kernel, typename... Arguments>
void StreamLauncher::operator()(Kernel kernel, std::size_t blocks, const Arguments&... arguments) {
  if (blocks == 0) return;
  const auto work = [=] {
    cuda_stand_in::run_kernel([&](HostLauncher& engine) { engine(kernel, blocks, arguments...); });
    return true;
  };
  check_cuda(cuda_stand_in::enqueue(stream_, work), "kernel launch");
}

}  // namespace sterna::device
