// Which elements dropout keeps in a pass: drawn in forward, applied there and again in backward.
#pragma once

#include <span>

#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor {

// Made for a number of elements below 2^34. Which are kept is said at kernels::KeepRule, bit for bit.
class KeepMask {
 public:
  virtual ~KeepMask() = default;

  // From now on the mask is that of `rule`, of elements 0, 1, ... of its stream.
  virtual void draw(const kernels::KeepRule& rule) = 0;

  // output = input * rule.scale where it is kept, else 0. Both may be the same memory.
  virtual void apply(std::span<const float> input, std::span<float> output) = 0;
};

}  // namespace sterna::tensor
