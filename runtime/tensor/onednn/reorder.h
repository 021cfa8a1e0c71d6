// Copies between the layouts of oneDNN and the plain one.
#pragma once

#include <memory>

#include "runtime/tensor/reorder.h"

namespace sterna::tensor {

[[nodiscard]] std::unique_ptr<Reorder> make_reorder(const TensorForm& form);

}  // namespace sterna::tensor
