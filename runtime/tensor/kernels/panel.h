// The inner loop of matrix products.
#pragma once

#include <cstddef>

namespace sterna::tensor::kernels {

// Columns of a panel: panel p of a packed matrix [inner, columns] holds its columns 16 p to 16 p + 15, row
// after row, with zeros where the matrix has ended.
inline constexpr std::size_t kPanelColumns = 16;

// output [rows, columns of the panel] = input [rows, inner] * panel.
struct PanelProduct {
  std::size_t rows;
  std::size_t inner;
  std::size_t columns;  // of the panel that exist, 1 to 16
  const float* input;   // rows side by side
  const float* panel;   // [inner, 16], on a 64-byte border
  float* output;
  std::size_t output_stride;  // elements from row to row
};

// To be called only where has_avx2().
void multiply_panel_avx2(const PanelProduct& product);

}  // namespace sterna::tensor::kernels
