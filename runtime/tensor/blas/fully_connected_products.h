// The three products of a fully connected layer, by BLAS.
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/tensor/products.h"

namespace sterna::tensor {

struct FullyConnectedShape {
  std::size_t samples;  // B
  std::size_t inputs;   // in
  std::size_t outputs;  // out
  bool has_relu = false;
};

// Input [B, in], plain; weights [out, in]; output [B, out], plain.
[[nodiscard]] std::unique_ptr<Products> make_fully_connected_products(const FullyConnectedShape& shape);

}  // namespace sterna::tensor
