// Which vector kernels there are. Compiled for any x86 processor: it asks before anything else runs.
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {

Kernels avx2_kernels() {
  return {.name = "avx2",
          .draw_keep_bits = draw_keep_bits_avx2,
          .keep = keep_avx2,
          .normalise = normalise_avx2,
          .normalise_backward = normalise_backward_avx2,
          .gelu = gelu_avx2,
          .softmax = softmax_avx2,
          .softmax_again = softmax_again_avx2,
          .softmax_backward = softmax_backward_avx2,
          .shifted_exponentials = shifted_exponentials_avx2};
}

}  // namespace sterna::tensor::kernels
