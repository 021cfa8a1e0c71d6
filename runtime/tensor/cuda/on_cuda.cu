// The kernels for NVIDIA GPUs.
#include "runtime/device/cuda_context.h"

#include "runtime/tensor/cuda/instances/instances.h"
