// Products of row-major matrices in a GPU's memory, by cuBLAS.
#pragma once

#include <cstddef>

#include "runtime/tensor/cuda/libraries.h"
#include "runtime/tensor/matrix_product.h"

namespace sterna::tensor::cuda {

// What is written: [rows, columns], `stride` elements from row to row.
struct Result {
  float* data;
  std::size_t stride;
  bool is_added = false;  // to what is there, which is not read otherwise
};

// Enqueues result = a [rows, inner] * b [inner, columns]. Throws CommError.
void multiply(const Libraries& libraries, const ProductExtents& extents, const Factor& a, const Factor& b,
              const Result& result);

// The same for many products, whose matrices lie so many elements apart.
struct Batch {
  std::size_t products;
  std::size_t a, b, result;
};
void multiply_batch(const Libraries& libraries, const Batch& batch, const ProductExtents& extents,
                    const Factor& a, const Factor& b, const Result& result);

}  // namespace sterna::tensor::cuda
