#include "runtime/tensor/arena.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::tensor {

std::span<float> Arena::reserve(std::size_t elements) {
  buffer_bytes_ += elements * sizeof(float);
  return buffers_.emplace_back(elements, 0.0f);
}

Tensor Arena::reserve(const TensorForm& form) {
  return {&form, reserve(form.storage_elements()).data()};
}

Tensor Arena::borrow(const TensorForm& form) {
  const std::size_t elements = form.storage_elements();
  Loan* best = nullptr;  // the smallest that is large enough
  for (Loan& loan : loans_) {
    if (loan.is_out || loan.memory.size() < elements) continue;
    if (best == nullptr || loan.memory.size() < best->memory.size()) best = &loan;
  }
  if (best == nullptr) {
    buffer_bytes_ += elements * sizeof(float);
    best = &loans_.emplace_back(Loan{.memory = AlignedVector<float>(elements)});
  }
  best->is_out = true;
  return {&form, best->memory.data()};
}

void Arena::give_back(ConstTensor tensor) {
  const auto loan = std::ranges::find(loans_, tensor.data, [](const Loan& l) { return l.memory.data(); });
  STERNA_CHECK((loan != loans_.end()) == true);
  STERNA_CHECK(loan->is_out == true);
  loan->is_out = false;
}

void Arena::reserve_scratch(std::size_t bytes) {
  scratch_.resize(std::max(scratch_.size(), bytes));
}

}  // namespace sterna::tensor
