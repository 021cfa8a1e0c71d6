#include "runtime/tensor/blas/activation_product.h"

#include <cblas.h>

namespace sterna::tensor {

void multiply_activations(const ActivationProduct& product, const Operand& a, const Operand& b, float* output,
                          std::size_t stride) {
  const auto turned = [](const Operand& operand) {
    return operand.is_transposed ? CblasTrans : CblasNoTrans;
  };
  const auto blas = [](std::size_t extent) { return static_cast<blasint>(extent); };
  cblas_sgemm(CblasRowMajor, turned(a), turned(b), blas(product.rows), blas(product.columns),
              blas(product.inner), 1.0f, a.data, blas(a.stride), b.data, blas(b.stride),
              product.is_added ? 1.0f : 0.0f, output, blas(stride));
}

}  // namespace sterna::tensor
