// Copies between a back-end's layout and the plain one.
#pragma once

#include <memory>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

class Reorder {
 public:
  virtual ~Reorder() = default;
  virtual void to_plain(ConstTensor blocked, Tensor plain) = 0;
  virtual void from_plain(ConstTensor plain, Tensor blocked) = 0;
};

// Both sides have the elements of `form.shape` in row-major order; a plain tensor may give them another
// shape.
[[nodiscard]] std::unique_ptr<Reorder> make_reorder(const TensorForm& form);

}  // namespace sterna::tensor
