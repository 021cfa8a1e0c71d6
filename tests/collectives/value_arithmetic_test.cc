// What the kernels of an ordered sum do with one value, on the CPU.
#include "runtime/collectives/nccl/value_arithmetic.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "runtime/core/rng.h"

namespace sterna::collectives {
namespace {

using numerics::ValueFormat;

// Magnitudes from 2^-8 to 2^7, so that another order of additions gives other bits.
float value_of(std::size_t rank, std::size_t i) {
  const std::uint32_t bits = random_bits({.seed = 9, .learner = static_cast<std::uint32_t>(rank)}, i);
  const float magnitude = std::bit_cast<float>((119u + (bits & 15u)) << 23);
  return magnitude * (static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f);
}

// The definition, in the plainest form: the sum of [first, first + count) is the sum of its parts.
float tree_sum(std::size_t first, std::size_t count, std::size_t i) {
  if (count == 1) return value_of(first, i);
  std::size_t left = 1;
  while (2 * left < count) left *= 2;
  return tree_sum(first, left, i) + tree_sum(first + left, count - left, i);
}

TEST(ValueArithmetic, AddsInTreeOrderWhicheverRankAdds) {
  constexpr std::size_t kValues = 20;
  constexpr std::size_t kStride = 24;
  for (std::size_t ranks = 1; ranks <= 40; ++ranks) {
    for (std::size_t own_rank = 0; own_rank < ranks; ++own_rank) {
      std::vector<float> of_ranks(ranks * kStride, -1e30f);
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        for (std::size_t i = 0; i < kValues; ++i) of_ranks[rank * kStride + i] = value_of(rank, i);
      }
      std::vector<float> own(of_ranks.begin() + static_cast<std::ptrdiff_t>(own_rank * kStride),
                             of_ranks.begin() + static_cast<std::ptrdiff_t>(own_rank * kStride + kValues));
      std::fill_n(of_ranks.begin() + static_cast<std::ptrdiff_t>(own_rank * kStride), kValues, -1e30f);
      const TreeOperands operands{
          .of_ranks = of_ranks.data(), .stride = kStride, .ranks = ranks, .own_rank = own_rank};
      for (std::size_t i = 0; i < kValues; ++i) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(sum_in_tree_order(operands, own.data(), i)),
                  std::bit_cast<std::uint32_t>(tree_sum(0, ranks, i)))
            << ranks << " ranks, value " << i << " on rank " << own_rank;
      }
    }
  }
}

// 1 + 2^-9 lies between 1 and 1 + 2^-7 in bfloat16, and is exact in float16, whose unit there is 2^-10. In
// bits: 1 is 0x3f80 in bfloat16; in float16 the exponent of 1 is 15, 0x3c00, and 2^-9 is two units.
TEST(ValueArithmetic, PacksAndUnpacksBothFormats) {
  constexpr float kValue = 1.0f + 0x1p-9f;
  EXPECT_EQ(packed_value(kValue, ValueFormat::kBfloat16), 0x3f80);
  EXPECT_EQ(packed_value(kValue, ValueFormat::kFloat16), 0x3c02);
  EXPECT_EQ(unpacked_value(0x3f80, ValueFormat::kBfloat16), 1.0f);
  EXPECT_EQ(unpacked_value(0x3c02, ValueFormat::kFloat16), kValue);
}

}  // namespace
}  // namespace sterna::collectives
