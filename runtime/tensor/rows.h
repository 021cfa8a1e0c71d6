// Rows that are moved, summed and added up, on the processor; and how they lie in memory, for every device.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// Rows whose first elements lie `stride` apart. A stride of 0 reads one row again and again.
template <typename Float>
struct BasicRows {
  Float* data;
  std::size_t stride;
};
using Rows = BasicRows<float>;
using ConstRows = BasicRows<const float>;

struct RowExtents {
  std::size_t rows;
  std::size_t columns;
};

// Two axes that change places: [batches, outer, inner, features] -> [batches, inner, outer, features].
struct SwappedAxes {
  std::size_t batches = 1;
  std::size_t outer;
  std::size_t inner;
  std::size_t features;
};

// What each does stands in operations.h.
void copy_rows(const RowExtents& extents, ConstRows from, Rows to);
void swap_axes(const SwappedAxes& axes, const float* from, float* to);
void scale_and_add_table(float factor, std::span<const float> input, std::span<const float> table,
                         std::span<float> output);
void mean_over_positions(std::size_t positions, ConstTensor input, Tensor output);
void mean_over_positions_backward(std::size_t positions, ConstTensor output_gradient, Tensor input_gradient);

}  // namespace sterna::tensor
