// Which libraries do the heavy arithmetic: bits may differ between their versions, so a run writes them down.
#pragma once

#include <string>

namespace sterna::tensor {

[[nodiscard]] std::string blas_version();
[[nodiscard]] std::string onednn_version();

[[nodiscard]] inline std::string library_versions() {
  return onednn_version() + ", " + blas_version();
}

}  // namespace sterna::tensor
