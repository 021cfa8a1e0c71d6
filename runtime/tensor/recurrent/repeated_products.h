// The three products of a fully connected layer that multiplies few rows with the same weights many times
// over, as a recurrent layer does.
//
// BLAS brings the weights into the order of its inner loop at each call, which pays only where many rows
// follow. Between hold_weights() and release_weights() they stay in that order here. One thread of a Zen 3
// (AVX2), 32 rows: GFLOP/s at 512 -> 2048 and at 2048 -> 512 columns were 79 and 74 so, 57 to 66 and 51 to 65
// by OpenBLAS 0.3.21, 50 to 51 by oneDNN 2.6's inner product with weights in a layout of its choice, 34 to 49
// by its matrix product. From hundreds of rows on, BLAS is as fast.
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/products.h"

namespace sterna::tensor {

// Input [..., in], plain; weights [out, in]; output [..., out], plain. Weights that are not held are
// multiplied by BLAS, as are all where the processor has no AVX2. The same bits at any number of threads
// while they are held.
[[nodiscard]] std::unique_ptr<Products> make_repeated_products(const TensorForm& input, std::size_t outputs,
                                                               Arena& arena);

}  // namespace sterna::tensor
