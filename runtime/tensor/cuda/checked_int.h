// Extents as the libraries for GPUs take them.
#pragma once

#include <cstddef>
#include <limits>

#include "runtime/core/errors.h"

namespace sterna::tensor::cuda {

inline int checked_int(std::size_t extent) {
  STERNA_CHECK(extent <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(extent);
}

}  // namespace sterna::tensor::cuda
