// The kernels of runtime/tensor/cuda on the stand-in's streams.
#include "tests/support/cuda/launch.h"

#include "runtime/tensor/cuda/instances/instances.h"
