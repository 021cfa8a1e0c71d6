// The instances of everything here, for one kind of launcher: included last, by a file that has declared
// `using KernelLauncher = ...` in this namespace.
#pragma once

#include "compressors/gpu/outcomes.h"
#include "compressors/gpu/registry.h"
#include "compressors/gpu/sums.h"

namespace sterna::compressors::gpu {

template class GpuCompressor<KernelLauncher>;
template std::unique_ptr<GpuCompressor<KernelLauncher>> make_gpu_compressor(std::string_view,
                                                                            const LayerShape&,
                                                                            const Options&);
template void sum_payloads<ValueFormat::kFloat32>(KernelLauncher&, std::span<const std::byte>, std::size_t,
                                                  std::uint32_t, Total, std::span<float>);
template void sum_payloads<ValueFormat::kFloat16>(KernelLauncher&, std::span<const std::byte>, std::size_t,
                                                  std::uint32_t, Total, std::span<float>);
template void sum_payloads<ValueFormat::kBfloat16>(KernelLauncher&, std::span<const std::byte>, std::size_t,
                                                   std::uint32_t, Total, std::span<float>);
template void divide_by_learners(KernelLauncher&, std::span<float>, std::uint32_t);
template void find_non_finite(KernelLauncher&, std::span<const float>, std::uint32_t*);
template void append_section(KernelLauncher&, std::span<const std::byte>, const Outcome*,
                             const SectionPlace&);
template void store_index_lengths(KernelLauncher&, const Outcome*, std::uint32_t*);
template void note_refusals(KernelLauncher&, std::span<const Outcome>, std::uint32_t*);

}  // namespace sterna::compressors::gpu
