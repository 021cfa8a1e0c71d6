#include "runtime/tensor/arena.h"

#include <algorithm>

namespace sterna::tensor {

std::span<float> Arena::reserve(std::size_t elements) {
  buffer_bytes_ += elements * sizeof(float);
  return buffers_.emplace_back(elements, 0.0f);
}

Tensor Arena::reserve(const TensorForm& form) {
  return {&form, reserve(form.storage_elements()).data()};
}

void Arena::reserve_scratch(std::size_t bytes) {
  scratch_.resize(std::max(scratch_.size(), bytes));
}

}  // namespace sterna::tensor
