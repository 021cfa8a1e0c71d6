#include <cblas.h>

#include "runtime/tensor/libraries.h"

namespace sterna::tensor {

std::string blas_version() {
  return openblas_get_config();
}

}  // namespace sterna::tensor
