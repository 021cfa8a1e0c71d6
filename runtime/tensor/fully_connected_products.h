// The three products of a fully connected layer, each by the library that is faster for its shape.
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/tensor/products.h"

namespace sterna::tensor {

struct FullyConnectedShape {
  std::size_t outputs;  // out
  bool has_relu = false;
};

// Input [..., in], plain; weights [out, in]; output [..., out], plain. The extents before the last make rows.
[[nodiscard]] std::unique_ptr<Products> make_fully_connected_products(const TensorForm& input,
                                                                      const FullyConnectedShape& shape);

}  // namespace sterna::tensor
