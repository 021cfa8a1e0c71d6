#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

std::size_t elements_of(const Shape& shape) {
  std::size_t elements = 1;
  for (std::size_t extent : shape) elements *= extent;
  return elements;
}

}  // namespace sterna::tensor
