// A matrix product by either library; which of them is faster depends on the shape.
#pragma once

#include <cstddef>

namespace sterna::tensor {

// A row-major matrix, as it lies in memory.
struct Factor {
  const float* data;
  std::size_t stride;  // elements from row to row
  bool is_transposed = false;
};

struct ProductExtents {
  std::size_t rows;
  std::size_t columns;
  std::size_t inner;  // the extent that is summed over
};

// output [rows, columns] = a [rows, inner] * b [inner, columns], without gaps; what it held before is not
// read.
void multiply_by_blas(const ProductExtents& extents, const Factor& a, const Factor& b, float* output);
void multiply_by_onednn(const ProductExtents& extents, const Factor& a, const Factor& b, float* output);

}  // namespace sterna::tensor
