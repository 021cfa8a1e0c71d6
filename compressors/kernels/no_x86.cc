// Processors that are not x86 have the plain kernels alone.
#include "compressors/kernels/kernels.h"

namespace sterna::compressors::kernels {

void append_vector_kernels(std::vector<Kernels>&) {}

}  // namespace sterna::compressors::kernels
