// The three products of a convolution, by oneDNN, in the layout that it likes best on this processor.
#pragma once

#include <memory>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/convolution_shape.h"
#include "runtime/tensor/products.h"

namespace sterna::tensor {

// Input [B, in, height, width]; weights [out, in / groups, kernel, kernel]; output [B, out, height', width']
// with height' = (height + 2 padding - kernel) / stride + 1.
[[nodiscard]] std::unique_ptr<Products> make_convolution_products(const TensorForm& input,
                                                                  const ConvolutionShape& shape,
                                                                  Arena& arena);

}  // namespace sterna::tensor
