// The kernels for NVIDIA GPUs.
#include "compressors/gpu/registry.h"
#include "compressors/gpu/sums.h"
#include "runtime/device/cuda_context.h"

namespace sterna::compressors::gpu {

template class GpuCompressor<device::StreamLauncher>;
template std::unique_ptr<GpuCompressor<device::StreamLauncher>> make_gpu_compressor(std::string_view,
                                                                                    const LayerShape&,
                                                                                    const Options&);
template void sum_payloads<ValueFormat::kFloat32>(device::StreamLauncher&, std::span<const std::byte>,
                                                  std::size_t, std::uint32_t, Total, std::span<float>);
template void sum_payloads<ValueFormat::kFloat16>(device::StreamLauncher&, std::span<const std::byte>,
                                                  std::size_t, std::uint32_t, Total, std::span<float>);
template void sum_payloads<ValueFormat::kBfloat16>(device::StreamLauncher&, std::span<const std::byte>,
                                                   std::size_t, std::uint32_t, Total, std::span<float>);
template void divide_by_learners(device::StreamLauncher&, std::span<float>, std::uint32_t);
template void find_non_finite(device::StreamLauncher&, std::span<const float>, std::uint32_t*);

}  // namespace sterna::compressors::gpu
