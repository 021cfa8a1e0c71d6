// The kernels for NVIDIA GPUs.
#include "compressors/gpu/registry.h"
#include "runtime/device/cuda_context.h"

namespace sterna::compressors::gpu {

template class GpuCompressor<device::StreamLauncher>;
template std::unique_ptr<GpuCompressor<device::StreamLauncher>> make_gpu_compressor(std::string_view,
                                                                                    const LayerShape&,
                                                                                    const Options&);

}  // namespace sterna::compressors::gpu
