// The kernels for NVIDIA GPUs.
#include "runtime/device/cuda_context.h"

namespace sterna::compressors::gpu {
using KernelLauncher = device::StreamLauncher;
}

#include "compressors/gpu/instances.h"
