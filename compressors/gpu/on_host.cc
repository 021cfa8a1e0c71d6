// The kernels on the engine of runtime/device.
#include "runtime/device/host_context.h"

namespace sterna::compressors::gpu {
using KernelLauncher = device::HostLauncher;
}

#include "compressors/gpu/instances.h"
