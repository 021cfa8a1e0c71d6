// Stands in for the AVX2 kernels on processors that are not x86: there are none.
#include "runtime/core/errors.h"
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/kernels/normalisation.h"

namespace sterna::tensor::kernels {

bool has_avx2() {
  return false;
}

Kernels avx2_kernels() {
  STERNA_CHECK(has_avx2() == true);
  return {};
}

const NormalisationKernels* vector_normalisation() {
  return nullptr;
}

}  // namespace sterna::tensor::kernels
