#include "runtime/tensor/rows.h"

#include <algorithm>

#include "runtime/core/errors.h"
#include "runtime/tensor/elementwise.h"

namespace sterna::tensor {
namespace {

// Below this, waking threads costs more than they save.
constexpr std::size_t kElementsWorthThreads = std::size_t{1} << 15;

}  // namespace

void copy_rows(const RowExtents& extents, ConstRows from, Rows to) {
  for (std::size_t row = 0; row < extents.rows; ++row) {
    std::copy_n(from.data + row * from.stride, extents.columns, to.data + row * to.stride);
  }
}

void swap_axes(const SwappedAxes& axes, const float* from, float* to) {
  const std::size_t outer = axes.outer, inner = axes.inner, features = axes.features;
  const std::size_t of_batch = outer * inner * features;
#pragma omp parallel for if (axes.batches * of_batch > kElementsWorthThreads)
  for (std::size_t i = 0; i < axes.batches * inner; ++i) {
    const std::size_t batch = i / inner * of_batch, b = i % inner;
    for (std::size_t a = 0; a < outer; ++a) {
      std::copy_n(from + batch + (a * inner + b) * features, features,
                  to + batch + (b * outer + a) * features);
    }
  }
}

void scale_and_add_table(float factor, std::span<const float> input, std::span<const float> table,
                         std::span<float> output) {
  const std::size_t elements = table.size();
  STERNA_CHECK(input.size() == output.size());
  STERNA_CHECK((output.size() % elements) == 0u);
  for (std::size_t first = 0; first < output.size(); first += elements) {
    const float* from = input.data() + first;
    float* to = output.data() + first;
    for (std::size_t i = 0; i < elements; ++i) to[i] = factor * from[i] + table[i];
  }
}

void mean_over_positions(std::size_t positions, ConstTensor input, Tensor output) {
  const std::size_t samples = output.form->shape[0], features = output.form->shape[1];
  for (std::size_t b = 0; b < samples; ++b) {
    const std::span<float> mean = output.storage().subspan(b * features, features);
    sum_rows(input.storage().subspan(b * positions * features, positions * features), mean);
    for (float& value : mean) value /= static_cast<float>(positions);
  }
}

void mean_over_positions_backward(std::size_t positions, ConstTensor output_gradient, Tensor input_gradient) {
  const std::size_t samples = output_gradient.form->shape[0], features = output_gradient.form->shape[1];
  for (std::size_t row = 0; row < samples * positions; ++row) {
    const float* from = output_gradient.data + row / positions * features;
    float* to = input_gradient.data + row * features;
    for (std::size_t i = 0; i < features; ++i) to[i] = from[i] / static_cast<float>(positions);
  }
}

}  // namespace sterna::tensor
