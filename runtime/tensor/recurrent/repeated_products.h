// The three products of a fully connected layer that multiplies few rows with the same weights many times
// over, as a recurrent layer does.
//
// BLAS brings the weights into the order of its inner loop at each call, which pays only where many rows
// follow. Between hold_weights() and release_weights() they stay in that order here. One thread of a Zen 3
// (AVX2), 32 rows, GFLOP/s of processor time at 512 -> 2048 and at 2048 -> 512 columns: 79 to 81 and 76 to 78
// so; 54 to 60 and 62 to 63 by OpenBLAS 0.3.21; about 50 and 51 by oneDNN 2.6's inner product with weights in
// a layout of its choice, 40 and 49 by its matrix product. From hundreds of rows on, OpenBLAS is as fast: 74
// to 86.
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
