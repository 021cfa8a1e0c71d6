#pragma once

#include "runtime/tensor/cuda/instances/extents.h"
#include "runtime/tensor/cuda/kernels/elementwise.h"
#include "runtime/tensor/cuda/kernels/layer_norm.h"
#include "runtime/tensor/cuda/kernels/symbols.h"

namespace sterna::tensor::cuda {

inline SymbolRows symbol_rows(const SymbolWindow& window) {
  STERNA_CHECK((window.first + window.count) <= window.positions);
  STERNA_CHECK((window.symbols.size() % window.positions) == 0u);
  return {.symbols = window.symbols.data(),
          .positions = checked_extent(window.positions),
          .first = checked_extent(window.first),
          .count = checked_extent(window.count)};
}
inline std::size_t rows_of(const SymbolWindow& window) {
  return window.symbols.size() / window.positions * window.count;
}

void enqueue_row_sums(Launcher& launch, std::span<const float> rows, std::span<float> partials,
                      std::span<float> sums) {
  STERNA_CHECK((rows.size() % sums.size()) == 0u);
  const std::uint32_t columns = checked_extent(sums.size());
  const std::uint32_t row_count = checked_extent(rows.size() / sums.size());
  const std::size_t tiles = ceil_div(columns, kWarpLanes);
  const RowParts in = parts_of(row_count, columns, partials.size());
  launch(SumRows{}, in.parts * tiles, rows.data(), row_count, columns, in.rows_of_part,
         in.parts == 1 ? sums.data() : partials.data());
  if (in.parts == 1) return;
  launch(SumRows{}, tiles, std::span<const float>(partials).data(), in.parts, columns, in.parts, sums.data());
}

void enqueue_table(Launcher& launch, float factor, std::span<const float> input, std::span<const float> table,
                   std::span<float> output) {
  STERNA_CHECK(input.size() == output.size());
  STERNA_CHECK((input.size() % table.size()) == 0u);
  launch(ScaleAndAddTable{}, list_blocks(input.size()), factor, input.data(), table.data(),
         checked_extent(table.size()), checked_extent(input.size()), output.data());
}

void enqueue_copy_rows(Launcher& launch, const RowExtents& extents, ConstRows from, Rows to) {
  const std::size_t elements = extents.rows * extents.columns;
  STERNA_CHECK((extents.rows <= 1 || to.stride >= extents.columns) == true);
  launch(CopyRows{}, list_blocks(elements), from.data, from.stride, checked_extent(extents.columns),
         checked_extent(elements), to.data, to.stride);
}

void enqueue_swap_axes(Launcher& launch, const SwappedAxes& axes, const float* from, float* to) {
  const std::size_t elements = axes.batches * axes.outer * axes.inner * axes.features;
  launch(SwapAxes{}, list_blocks(elements), from, checked_extent(axes.outer), checked_extent(axes.inner),
         checked_extent(axes.features), checked_extent(elements), to);
}

void enqueue_position_means(Launcher& launch, std::size_t positions, ConstTensor input, Tensor output) {
  const std::size_t elements = output.storage().size();
  STERNA_CHECK(input.storage().size() == (elements * positions));
  launch(MeanOverPositions{}, list_blocks(elements), input.data, checked_extent(positions),
         checked_extent(output.form->shape.back()), checked_extent(elements), output.data);
}

void enqueue_position_gradients(Launcher& launch, std::size_t positions, ConstTensor output_gradient,
                                Tensor input_gradient) {
  const std::size_t elements = input_gradient.storage().size();
  STERNA_CHECK(elements == (output_gradient.storage().size() * positions));
  launch(SpreadOverPositions{}, list_blocks(elements), output_gradient.data, checked_extent(positions),
         checked_extent(output_gradient.form->shape.back()), checked_extent(elements), input_gradient.data);
}

void enqueue_normalised_rows(Launcher& launch, const kernels::NormalisedRows& of,
                             std::span<const float> shift, float epsilon, float* output) {
  STERNA_CHECK(shift.size() == of.features);
  launch(NormaliseRows{}, ceil_div(of.rows, kBlockWarps), of, shift.data(), epsilon, output);
}

// The columns first: the rows overwrite what they are summed from.
void enqueue_normalised_rows_backward(Launcher& launch, const kernels::NormalisedRows& of, float* gradient,
                                      std::span<float> partials, std::span<float> scale_gradient,
                                      std::span<float> shift_gradient) {
  STERNA_CHECK(scale_gradient.size() == of.features);
  STERNA_CHECK(shift_gradient.size() == of.features);
  const std::size_t tiles = ceil_div(of.features, kWarpLanes);
  const RowParts in = parts_of(of.rows, of.features, partials.size() / 2);
  const std::size_t of_one = in.parts * of.features;
  const std::span<float> scale = in.parts == 1 ? scale_gradient : partials.first(of_one);
  const std::span<float> shift = in.parts == 1 ? shift_gradient : partials.subspan(of_one, of_one);
  launch(NormalisedRowProducts{}, in.parts * tiles, of, std::span<const float>(gradient, 1).data(),
         in.rows_of_part, scale.data(), shift.data());
  launch(NormaliseRowsBackward{}, ceil_div(of.rows, kBlockWarps), of, gradient);
  if (in.parts == 1) return;
  const std::uint32_t features = checked_extent(of.features);
  launch(SumRows{}, tiles, std::span<const float>(scale).data(), in.parts, features, in.parts,
         scale_gradient.data());
  launch(SumRows{}, tiles, std::span<const float>(shift).data(), in.parts, features, in.parts,
         shift_gradient.data());
}

void enqueue_gathered_rows(Launcher& launch, const SymbolWindow& window, std::size_t features,
                           std::span<const float> table, std::span<float> rows) {
  STERNA_CHECK(rows.size() == (rows_of(window) * features));
  launch(GatherRows{}, list_blocks(rows.size()), symbol_rows(window), table.data(), checked_extent(features),
         checked_extent(rows.size()), rows.data());
}

void enqueue_scattered_rows(Launcher& launch, const SymbolWindow& window, std::size_t features,
                            std::span<const float> rows, std::span<float> table) {
  STERNA_CHECK(rows.size() == (rows_of(window) * features));
  launch.zero(table.data(), table.size_bytes());
  launch(ScatterRows{}, rows_of(window) * ceil_div(features, kBlockThreads), symbol_rows(window), rows.data(),
         checked_extent(rows_of(window)), checked_extent(features), table.data());
}

void enqueue_padding_mask(Launcher& launch, const SymbolWindow& window, std::span<float> mask) {
  STERNA_CHECK(mask.size() == rows_of(window));
  launch(MaskPadding{}, list_blocks(mask.size()), symbol_rows(window), checked_extent(mask.size()),
         mask.data());
}

}  // namespace sterna::tensor::cuda
