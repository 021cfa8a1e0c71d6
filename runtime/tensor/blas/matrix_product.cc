#include "runtime/tensor/matrix_product.h"

#include <cblas.h>

namespace sterna::tensor {

void multiply_by_blas(const ProductExtents& extents, const Factor& a, const Factor& b, float* output) {
  const auto turned = [](const Factor& factor) { return factor.is_transposed ? CblasTrans : CblasNoTrans; };
  const auto blas = [](std::size_t extent) { return static_cast<blasint>(extent); };
  cblas_sgemm(CblasRowMajor, turned(a), turned(b), blas(extents.rows), blas(extents.columns),
              blas(extents.inner), 1.0f, a.data, blas(a.stride), b.data, blas(b.stride), 0.0f, output,
              blas(extents.columns));
}

}  // namespace sterna::tensor
