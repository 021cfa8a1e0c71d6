// The kernels on the engine of runtime/device.
#include "compressors/gpu/registry.h"
#include "runtime/device/host_context.h"

namespace sterna::compressors::gpu {

template class GpuCompressor<device::HostLauncher>;
template std::unique_ptr<GpuCompressor<device::HostLauncher>> make_gpu_compressor(std::string_view,
                                                                                  const LayerShape&,
                                                                                  const Options&);

}  // namespace sterna::compressors::gpu
