// The device's part in an ordered sum. Each call enqueues one kernel, and returns the launch's error; all
// addresses are the device's. n > 0; the format is one of two bytes.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "runtime/collectives/memory.h"
#include "runtime/numerics/value_format.h"

namespace sterna::collectives {

// own[i] becomes the sum over ranks in tree order. Reads P values and writes one for each i.
[[nodiscard]] cudaError_t enqueue_tree_sum(const TreeOperands& operands, float* own, std::size_t n,
                                           cudaStream_t stream);

[[nodiscard]] cudaError_t enqueue_pack(const float* values, std::size_t n, numerics::ValueFormat format,
                                       std::uint16_t* packed, cudaStream_t stream);
[[nodiscard]] cudaError_t enqueue_unpack(const std::uint16_t* packed, std::size_t n,
                                         numerics::ValueFormat format, float* values, cudaStream_t stream);

// Rounds values to the format and back.
[[nodiscard]] cudaError_t enqueue_round(float* values, std::size_t n, numerics::ValueFormat format,
                                        cudaStream_t stream);

}  // namespace sterna::collectives
