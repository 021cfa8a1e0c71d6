#include "runtime/tensor/elementwise.h"

#include <algorithm>
#include <cstddef>

#include "runtime/core/errors.h"

namespace sterna::tensor {
namespace {

// Below this, waking threads costs more than they save.
constexpr std::size_t kElementsWorthThreads = std::size_t{1} << 15;

}  // namespace

void relu(std::span<const float> input, std::span<float> output) {
  STERNA_CHECK(input.size() == output.size());
  const std::size_t elements = input.size();
  const float* from = input.data();
  float* to = output.data();
#pragma omp parallel for simd if (elements > kElementsWorthThreads)
  for (std::size_t i = 0; i < elements; ++i) to[i] = from[i] < 0.0f ? 0.0f : from[i];
}

void mask_relu_gradient(std::span<const float> output, std::span<float> gradient) {
  STERNA_CHECK(output.size() == gradient.size());
  const std::size_t elements = output.size();
  const float* from = output.data();
  float* to = gradient.data();
#pragma omp parallel for simd if (elements > kElementsWorthThreads)
  for (std::size_t i = 0; i < elements; ++i) to[i] = from[i] <= 0.0f ? 0.0f : to[i];
}

void add(std::span<const float> addend, std::span<float> sum) {
  STERNA_CHECK(addend.size() == sum.size());
  const std::size_t elements = sum.size();
  const float* from = addend.data();
  float* to = sum.data();
#pragma omp parallel for simd if (elements > kElementsWorthThreads)
  for (std::size_t i = 0; i < elements; ++i) to[i] += from[i];
}

void add_to_rows(std::span<const float> bias, std::span<float> rows) {
  const std::size_t columns = bias.size();
  STERNA_CHECK((rows.size() % columns) == 0u);
  const std::size_t samples = rows.size() / columns;
  const float* from = bias.data();
  float* to = rows.data();
#pragma omp parallel for if (rows.size() > kElementsWorthThreads)
  for (std::size_t row = 0; row < samples; ++row) {
    for (std::size_t c = 0; c < columns; ++c) to[row * columns + c] += from[c];
  }
}

void sum_rows(std::span<const float> rows, std::span<float> sums) {
  const std::size_t columns = sums.size();
  STERNA_CHECK((rows.size() % columns) == 0u);
  std::ranges::fill(sums, 0.0f);
  for (std::size_t row = 0; row < rows.size(); row += columns) {
    for (std::size_t c = 0; c < columns; ++c) sums[c] += rows[row + c];
  }
}

}  // namespace sterna::tensor
