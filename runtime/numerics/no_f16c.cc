// Stands in for float16_f16c.cc on processors that are not x86.
#include "runtime/numerics/float16_kernels.h"

namespace sterna::numerics {

const Float16Kernels* f16c_kernels() {
  return nullptr;
}

}  // namespace sterna::numerics
