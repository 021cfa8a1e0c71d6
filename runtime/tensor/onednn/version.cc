#include <oneapi/dnnl/dnnl.h>

#include "runtime/core/errors.h"
#include "runtime/tensor/libraries.h"

namespace sterna::tensor {

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return cat("oneDNN ", version->major, ".", version->minor, ".", version->patch);
}

}  // namespace sterna::tensor
