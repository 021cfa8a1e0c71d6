// Stands in for the AVX2 kernels on processors that are not x86.
#include "runtime/tensor/kernels/normalisation.h"

namespace sterna::tensor::kernels {

const NormalisationKernels* vector_normalisation() {
  return nullptr;
}

}  // namespace sterna::tensor::kernels
