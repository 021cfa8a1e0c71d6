// Stands in for the AVX2 kernels on processors that are not x86: there are none, and nothing calls them.
#include "runtime/core/errors.h"
#include "runtime/core/processor.h"
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/kernels/normalisation.h"
#include "runtime/tensor/kernels/panel.h"
#include "runtime/tensor/recurrent/kernels.h"

namespace sterna::tensor::kernels {

Kernels avx2_kernels() {
  STERNA_CHECK(has_avx2() == true);
  return {};
}

const NormalisationKernels* vector_normalisation() {
  return nullptr;
}

void multiply_panel_avx2(const PanelProduct&) {
  STERNA_CHECK(has_avx2() == true);
}

}  // namespace sterna::tensor::kernels

namespace sterna::tensor::recurrent {

void cell_forward_avx2(const CellForward&) {
  STERNA_CHECK(has_avx2() == true);
}

void cell_backward_avx2(const CellBackward&) {
  STERNA_CHECK(has_avx2() == true);
}

}  // namespace sterna::tensor::recurrent
