// The kernels on the engine of runtime/device.
#include "compressors/gpu/registry.h"
#include "compressors/gpu/sums.h"
#include "runtime/device/host_context.h"

namespace sterna::compressors::gpu {

template class GpuCompressor<device::HostLauncher>;
template std::unique_ptr<GpuCompressor<device::HostLauncher>> make_gpu_compressor(std::string_view,
                                                                                  const LayerShape&,
                                                                                  const Options&);
template void sum_payloads<ValueFormat::kFloat32>(device::HostLauncher&, std::span<const std::byte>,
                                                  std::size_t, std::uint32_t, Total, std::span<float>);
template void sum_payloads<ValueFormat::kFloat16>(device::HostLauncher&, std::span<const std::byte>,
                                                  std::size_t, std::uint32_t, Total, std::span<float>);
template void sum_payloads<ValueFormat::kBfloat16>(device::HostLauncher&, std::span<const std::byte>,
                                                   std::size_t, std::uint32_t, Total, std::span<float>);
template void divide_by_learners(device::HostLauncher&, std::span<float>, std::uint32_t);
template void find_non_finite(device::HostLauncher&, std::span<const float>, std::uint32_t*);

}  // namespace sterna::compressors::gpu
