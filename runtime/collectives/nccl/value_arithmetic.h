// What the kernels of value_kernels.h do with one value, for the device and for the host. The additions and
// roundings are those of the host's memory, one by one: the bits are the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/collectives/memory.h"
#include "runtime/numerics/value_format.h"

#ifdef __CUDACC__
#define STERNA_ON_BOTH __host__ __device__
#else
#define STERNA_ON_BOTH
#endif

namespace sterna::collectives {

// Ranks are fewer than 2^32.
inline constexpr int kMostSubtrees = 32;

// Value i of the sum over ranks, in the order of for_each_tree_addition(). Subtrees of 2^level ranks wait for
// their right neighbours, as the digits of a binary counter do for a carry.
STERNA_ON_BOTH inline float sum_in_tree_order(const TreeOperands& operands, const float* own, std::size_t i) {
  float waiting[kMostSubtrees];
  for (std::size_t rank = 0; rank < operands.ranks; ++rank) {
    float sum = rank == operands.own_rank ? own[i] : operands.of_ranks[rank * operands.stride + i];
    int level = 0;
    for (std::size_t ranks_before = rank; (ranks_before & 1) != 0; ranks_before >>= 1) {
      sum = waiting[level++] + sum;
    }
    waiting[level] = sum;
  }
  // What is left at the right end is shorter: the shortest subtree joins the next one first.
  int level = 0;
  while ((operands.ranks >> level & 1) == 0) ++level;
  float sum = waiting[level];
  for (++level; operands.ranks >> level != 0; ++level) {
    if ((operands.ranks >> level & 1) != 0) sum = waiting[level] + sum;
  }
  return sum;
}

STERNA_ON_BOTH inline std::uint16_t packed_value(float value, numerics::ValueFormat format) {
  return format == numerics::ValueFormat::kFloat16 ? numerics::float16_from_float32(value)
                                                   : numerics::bfloat16_from_float32(value);
}

STERNA_ON_BOTH inline float unpacked_value(std::uint16_t bits, numerics::ValueFormat format) {
  return format == numerics::ValueFormat::kFloat16 ? numerics::float32_from_float16(bits)
                                                   : numerics::float32_from_bfloat16(bits);
}

}  // namespace sterna::collectives
