// The kernels of runtime/collectives/nccl/value_kernels.cu, a value after the other.
#include "runtime/collectives/nccl/value_kernels.h"

#include "runtime/collectives/nccl/value_arithmetic.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::collectives {
namespace {

using cuda_stand_in::behind;
using numerics::ValueFormat;

template <typename Value>
Value* values_behind(Value* address, std::size_t n) {
  return reinterpret_cast<Value*>(behind(address, n * sizeof(Value)));
}

// Runs one(i) for each value, if all addresses are the device's.
template <typename One>
bool for_each_value(std::size_t n, bool has_memory, const One& one) {
  for (std::size_t i = 0; has_memory && i < n; ++i) one(i);
  return true;
}

// The peers' values, from the first rank's that is not this one's to the end of the last one's.
float* peers_behind(const TreeOperands& operands, std::size_t n) {
  const std::size_t first = operands.own_rank == 0 ? 1 : 0;
  const std::size_t last = operands.own_rank == operands.ranks - 1 ? operands.ranks - 2 : operands.ranks - 1;
  float* const begin = operands.of_ranks + first * operands.stride;
  float* const values = values_behind(begin, (last - first) * operands.stride + n);
  return values == nullptr ? nullptr : values - first * operands.stride;
}

}  // namespace

cudaError_t enqueue_tree_sum(const TreeOperands& operands, float* own, std::size_t n, cudaStream_t stream) {
  return cuda_stand_in::enqueue(stream, [=] {
    TreeOperands read = operands;
    read.of_ranks = peers_behind(operands, n);
    float* const sum = values_behind(own, n);
    return for_each_value(n, read.of_ranks != nullptr && sum != nullptr,
                          [&](std::size_t i) { sum[i] = sum_in_tree_order(read, sum, i); });
  });
}

cudaError_t enqueue_pack(const float* values, std::size_t n, ValueFormat format, std::uint16_t* packed,
                         cudaStream_t stream) {
  return cuda_stand_in::enqueue(stream, [=] {
    const float* const from = values_behind(values, n);
    std::uint16_t* const to = values_behind(packed, n);
    return for_each_value(n, from != nullptr && to != nullptr,
                          [&](std::size_t i) { to[i] = packed_value(from[i], format); });
  });
}

cudaError_t enqueue_unpack(const std::uint16_t* packed, std::size_t n, ValueFormat format, float* values,
                           cudaStream_t stream) {
  return cuda_stand_in::enqueue(stream, [=] {
    const std::uint16_t* const from = values_behind(packed, n);
    float* const to = values_behind(values, n);
    return for_each_value(n, from != nullptr && to != nullptr,
                          [&](std::size_t i) { to[i] = unpacked_value(from[i], format); });
  });
}

cudaError_t enqueue_round(float* values, std::size_t n, ValueFormat format, cudaStream_t stream) {
  return cuda_stand_in::enqueue(stream, [=] {
    float* const rounded = values_behind(values, n);
    return for_each_value(n, rounded != nullptr, [&](std::size_t i) {
      rounded[i] = unpacked_value(packed_value(rounded[i], format), format);
    });
  });
}

}  // namespace sterna::collectives
