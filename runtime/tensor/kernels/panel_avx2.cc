// Six rows by sixteen columns in twelve registers: two multiply-adds a cycle need eight accumulators at
// least, and six rows ask for fewer loads a multiplication than four.
#include "runtime/tensor/kernels/panel.h"

#include "runtime/tensor/kernels/lanes_avx2.h"

namespace sterna::tensor::kernels {
namespace {

// Rows of the panel that are used while they lie in the first-level cache, together with six rows of the
// input.
constexpr std::size_t kInnerBlock = 512;
constexpr std::size_t kMostRows = 6;

// The columns of a panel that exist.
struct Columns {
  explicit Columns(std::size_t columns)
      : low(first_lanes(columns)), high(first_lanes(columns < kLanes ? 0 : columns - kLanes)) {}

  __m256i low, high;
};

struct Block {
  std::size_t inner;  // rows of the panel
  const float* input;
  std::size_t input_stride;
  const float* panel;
  float* output;
  std::size_t output_stride;
  bool adds;  // to the output; else overwrites it
};

template <std::size_t kRows, bool kIsWhole>
void multiply_block(const Block& x, const Columns& columns) {
  __m256 sums[kRows][2];
#pragma GCC unroll 6
  for (std::size_t row = 0; row < kRows; ++row) {
    const float* from = x.output + row * x.output_stride;
    if (!x.adds) {
      sums[row][0] = sums[row][1] = _mm256_setzero_ps();
    } else {
      sums[row][0] = kIsWhole ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, columns.low);
      sums[row][1] = kIsWhole ? _mm256_loadu_ps(from + 8) : _mm256_maskload_ps(from + 8, columns.high);
    }
  }
  const float* panel = x.panel;
  for (std::size_t k = 0; k < x.inner; ++k, panel += kPanelColumns) {
    const __m256 low = _mm256_load_ps(panel);
    const __m256 high = _mm256_load_ps(panel + 8);
    _mm_prefetch(reinterpret_cast<const char*>(panel + 16 * kPanelColumns), _MM_HINT_T0);
#pragma GCC unroll 6
    for (std::size_t row = 0; row < kRows; ++row) {
      const __m256 value = _mm256_broadcast_ss(x.input + row * x.input_stride + k);
      sums[row][0] = _mm256_fmadd_ps(value, low, sums[row][0]);
      sums[row][1] = _mm256_fmadd_ps(value, high, sums[row][1]);
    }
  }
#pragma GCC unroll 6
  for (std::size_t row = 0; row < kRows; ++row) {
    float* to = x.output + row * x.output_stride;
    if (kIsWhole) {
      _mm256_storeu_ps(to, sums[row][0]);
      _mm256_storeu_ps(to + 8, sums[row][1]);
    } else {
      _mm256_maskstore_ps(to, columns.low, sums[row][0]);
      _mm256_maskstore_ps(to + 8, columns.high, sums[row][1]);
    }
  }
}

template <bool kIsWhole>
void multiply_rows(std::size_t rows, const Block& x, const Columns& columns) {
  switch (rows) {
    case 1:
      return multiply_block<1, kIsWhole>(x, columns);
    case 2:
      return multiply_block<2, kIsWhole>(x, columns);
    case 3:
      return multiply_block<3, kIsWhole>(x, columns);
    case 4:
      return multiply_block<4, kIsWhole>(x, columns);
    case 5:
      return multiply_block<5, kIsWhole>(x, columns);
    default:
      return multiply_block<6, kIsWhole>(x, columns);
  }
}

// How many rows the next block takes: six, but never so many that one, two or three are left over.
std::size_t next_rows(std::size_t left) {
  if (left <= kMostRows) return left;
  return left < 2 * kMostRows - 2 ? (left + 1) / 2 : kMostRows;
}

}  // namespace

void multiply_panel_avx2(const PanelProduct& product) {
  const Columns columns(product.columns);
  for (std::size_t k = 0; k < product.inner; k += kInnerBlock) {
    const std::size_t inner = product.inner - k < kInnerBlock ? product.inner - k : kInnerBlock;
    for (std::size_t row = 0; row < product.rows;) {
      const std::size_t rows = next_rows(product.rows - row);
      const Block block{.inner = inner,
                        .input = product.input + row * product.inner + k,
                        .input_stride = product.inner,
                        .panel = product.panel + k * kPanelColumns,
                        .output = product.output + row * product.output_stride,
                        .output_stride = product.output_stride,
                        .adds = k > 0};
      if (product.columns == kPanelColumns) {
        multiply_rows<true>(rows, block, columns);
      } else {
        multiply_rows<false>(rows, block, columns);
      }
      row += rows;
    }
  }
}

}  // namespace sterna::tensor::kernels
