// The product of two activations, as attention has it: neither operand is a weight, so it is none of the
// three of runtime/tensor/products.h. The one place for a policy that rounds its operands.
#pragma once

#include <cstddef>

namespace sterna::tensor {

// Rows of a row-major matrix, which may be a part of the columns of a wider one.
struct Operand {
  const float* data;
  std::size_t stride;  // elements from one row to the next, as it lies in memory
  bool is_transposed = false;
};

struct ActivationProduct {
  std::size_t rows;
  std::size_t columns;
  std::size_t inner;      // the extent that is summed over
  bool is_added = false;  // to what the output holds
};

// output = a * b, or output += a * b.
//   a       [rows, inner]
//   b       [inner, columns]
//   stride  of the output's rows
void multiply_activations(const ActivationProduct& product, const Operand& a, const Operand& b, float* output,
                          std::size_t stride);

}  // namespace sterna::tensor
