// Copies between a back-end's layout and the plain one.
#pragma once

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// Made for one form. Both sides have the elements of its shape in row-major order; a plain tensor may give
// them another shape.
class Reorder {
 public:
  virtual ~Reorder() = default;
  virtual void to_plain(ConstTensor blocked, Tensor plain) = 0;
  virtual void from_plain(ConstTensor plain, Tensor blocked) = 0;
};

}  // namespace sterna::tensor
