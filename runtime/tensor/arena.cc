#include "runtime/tensor/arena.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::tensor {

std::span<float> Arena::reserve(std::size_t elements) {
  buffer_bytes_ += elements * sizeof(float);
  const Memory& memory = buffers_.emplace_back(operations_.reserve(elements * sizeof(float)));
  return {reinterpret_cast<float*>(memory.get()), elements};
}

Tensor Arena::reserve(const TensorForm& form) {
  return {&form, reserve(form.storage_elements()).data()};
}

Tensor Arena::borrow(const TensorForm& form) {
  const std::size_t elements = form.storage_elements();
  Loan* best = nullptr;  // the smallest that is large enough
  for (Loan& loan : loans_) {
    if (loan.is_out || loan.elements < elements) continue;
    if (best == nullptr || loan.elements < best->elements) best = &loan;
  }
  if (best == nullptr) {
    buffer_bytes_ += elements * sizeof(float);
    best = &loans_.emplace_back(
        Loan{.memory = operations_.reserve(elements * sizeof(float)), .elements = elements});
  }
  best->is_out = true;
  return {&form, best->data()};
}

void Arena::give_back(ConstTensor tensor) {
  const auto loan = std::ranges::find(loans_, tensor.data, [](const Loan& l) { return l.data(); });
  STERNA_CHECK((loan != loans_.end()) == true);
  STERNA_CHECK(loan->is_out == true);
  loan->is_out = false;
}

void Arena::reserve_scratch(std::size_t bytes) {
  if (bytes <= scratch_bytes_) return;
  scratch_ = operations_.reserve(bytes);
  scratch_bytes_ = bytes;
}

}  // namespace sterna::tensor
