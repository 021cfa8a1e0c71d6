#include "runtime/collectives/nccl/value_arithmetic.h"
#include "runtime/collectives/nccl/value_kernels.h"

namespace sterna::collectives {
namespace {

using numerics::ValueFormat;

constexpr unsigned kBlockThreads = 256;

// A thread for each value: a piece of an ordered sum is too short for more than one round of the device.
unsigned blocks_for(std::size_t n) {
  return static_cast<unsigned>((n + kBlockThreads - 1) / kBlockThreads);
}

__device__ std::size_t this_value() {
  return std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

__global__ void tree_sum(TreeOperands operands, float* own, std::size_t n) {
  const std::size_t i = this_value();
  if (i < n) own[i] = sum_in_tree_order(operands, own, i);
}

__global__ void pack(const float* values, std::size_t n, ValueFormat format, std::uint16_t* packed) {
  const std::size_t i = this_value();
  if (i < n) packed[i] = packed_value(values[i], format);
}

__global__ void unpack(const std::uint16_t* packed, std::size_t n, ValueFormat format, float* values) {
  const std::size_t i = this_value();
  if (i < n) values[i] = unpacked_value(packed[i], format);
}

__global__ void round(float* values, std::size_t n, ValueFormat format) {
  const std::size_t i = this_value();
  if (i < n) values[i] = unpacked_value(packed_value(values[i], format), format);
}

}  // namespace

cudaError_t enqueue_tree_sum(const TreeOperands& operands, float* own, std::size_t n, cudaStream_t stream) {
  tree_sum<<<blocks_for(n), kBlockThreads, 0, stream>>>(operands, own, n);
  return cudaGetLastError();
}

cudaError_t enqueue_pack(const float* values, std::size_t n, ValueFormat format, std::uint16_t* packed,
                         cudaStream_t stream) {
  pack<<<blocks_for(n), kBlockThreads, 0, stream>>>(values, n, format, packed);
  return cudaGetLastError();
}

cudaError_t enqueue_unpack(const std::uint16_t* packed, std::size_t n, ValueFormat format, float* values,
                           cudaStream_t stream) {
  unpack<<<blocks_for(n), kBlockThreads, 0, stream>>>(packed, n, format, values);
  return cudaGetLastError();
}

cudaError_t enqueue_round(float* values, std::size_t n, ValueFormat format, cudaStream_t stream) {
  round<<<blocks_for(n), kBlockThreads, 0, stream>>>(values, n, format);
  return cudaGetLastError();
}

}  // namespace sterna::collectives
