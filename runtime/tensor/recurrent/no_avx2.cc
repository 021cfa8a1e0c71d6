// Stands in for the AVX2 kernels on processors that are not x86: nothing calls them there.
#include "runtime/core/errors.h"
#include "runtime/tensor/recurrent/kernels.h"

namespace sterna::tensor::recurrent {

bool has_avx2() {
  return false;
}

void cell_forward_avx2(const CellForward& at) {
  cell_forward_plain(at);
}

void cell_backward_avx2(const CellBackward& at) {
  cell_backward_plain(at);
}

void multiply_panel_avx2(const PanelProduct&) {
  STERNA_CHECK(has_avx2() == true);
}

}  // namespace sterna::tensor::recurrent
