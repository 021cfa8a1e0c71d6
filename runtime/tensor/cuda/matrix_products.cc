#include "runtime/tensor/cuda/matrix_products.h"

#include "runtime/tensor/cuda/checked_int.h"

namespace sterna::tensor::cuda {
namespace {

constexpr float kOne = 1.0f;
constexpr float kZero = 0.0f;

cublasOperation_t turned(const Factor& factor) {
  return factor.is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

// cuBLAS's matrices are column-major: what it sees are the transposes of ours, and their product in the other
// order.
void multiply(const Libraries& libraries, const ProductExtents& extents, const Factor& a, const Factor& b,
              const Result& result) {
  check_cublas(cublas_api().sgemm(libraries.cublas(), turned(b), turned(a), checked_int(extents.columns),
                                  checked_int(extents.rows), checked_int(extents.inner), &kOne, b.data,
                                  checked_int(b.stride), a.data, checked_int(a.stride),
                                  result.is_added ? &kOne : &kZero, result.data, checked_int(result.stride)),
               "cublasSgemm");
}

void multiply_batch(const Libraries& libraries, const Batch& batch, const ProductExtents& extents,
                    const Factor& a, const Factor& b, const Result& result) {
  const auto apart = [](std::size_t elements) { return static_cast<long long>(elements); };
  check_cublas(
      cublas_api().sgemm_strided_batched(
          libraries.cublas(), turned(b), turned(a), checked_int(extents.columns), checked_int(extents.rows),
          checked_int(extents.inner), &kOne, b.data, checked_int(b.stride), apart(batch.b), a.data,
          checked_int(a.stride), apart(batch.a), result.is_added ? &kOne : &kZero, result.data,
          checked_int(result.stride), apart(batch.result), checked_int(batch.products)),
      "cublasSgemmStridedBatched");
}

}  // namespace sterna::tensor::cuda
