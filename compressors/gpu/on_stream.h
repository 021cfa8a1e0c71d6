// What on_cuda.cu instantiates beside the compressors: for files that enqueue it, and cannot compile a
// kernel.
#pragma once

#include "compressors/gpu/outcomes.h"
#include "compressors/gpu/sums.h"
#include "runtime/device/stream_launcher.h"

namespace sterna::compressors::gpu {

extern template void sum_payloads<ValueFormat::kFloat32>(device::StreamLauncher&, std::span<const std::byte>,
                                                         std::size_t, std::uint32_t, Total, std::span<float>);
extern template void sum_payloads<ValueFormat::kFloat16>(device::StreamLauncher&, std::span<const std::byte>,
                                                         std::size_t, std::uint32_t, Total, std::span<float>);
extern template void sum_payloads<ValueFormat::kBfloat16>(device::StreamLauncher&, std::span<const std::byte>,
                                                          std::size_t, std::uint32_t, Total,
                                                          std::span<float>);
extern template void divide_by_learners(device::StreamLauncher&, std::span<float>, std::uint32_t);
extern template void find_non_finite(device::StreamLauncher&, std::span<const float>, std::uint32_t*);
extern template void append_section(device::StreamLauncher&, std::span<const std::byte>, const Outcome*,
                                    const SectionPlace&);
extern template void store_index_lengths(device::StreamLauncher&, const Outcome*, std::uint32_t*);
extern template void note_refusals(device::StreamLauncher&, std::span<const Outcome>, std::uint32_t*);

}  // namespace sterna::compressors::gpu
