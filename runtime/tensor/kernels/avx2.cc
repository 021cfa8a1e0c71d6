// Which vector kernels there are. Compiled for any x86 processor: it asks before anything else runs.
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

Kernels avx2_kernels() {
  return {.name = "avx2", .draw_keep_bits = draw_keep_bits_avx2, .keep = keep_avx2};
}

}  // namespace sterna::tensor::kernels
