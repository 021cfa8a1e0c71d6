// The memory of one model: what lives from forward to backward is reserved while its layers are constructed;
// what lives for a part of a pass is borrowed from a pool, which has all it needs after the first pass.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "runtime/core/aligned_vector.h"
#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Returns a zeroed buffer on a 64-byte border; it lives as long as the arena.
  [[nodiscard]] std::span<float> reserve(std::size_t elements);

  // As reserve(), for a tensor of that form. The view refers to `form`, which must outlive it.
  [[nodiscard]] Tensor reserve(const TensorForm& form);

  // Returns a buffer with unspecified contents for a tensor of that form, until give_back(). Passes that
  // borrow and give back in the same order get the same memory, and allocate nothing after the first.
  [[nodiscard]] Tensor borrow(const TensorForm& form);

  // Takes back what borrow() returned; a view of another form over the same memory will do.
  void give_back(ConstTensor tensor);

  // Asks for working memory that all layers share: what one operation leaves in it, the next may overwrite.
  void reserve_scratch(std::size_t bytes);

  // The shared working memory. Its address is fixed once no one calls reserve_scratch() any more.
  [[nodiscard]] std::byte* scratch() { return scratch_.data(); }

  // All memory reserved and borrowed so far.
  [[nodiscard]] std::size_t bytes() const { return buffer_bytes_ + scratch_.size(); }

 private:
  struct Loan {
    AlignedVector<float> memory;
    bool is_out = false;
  };

  std::deque<AlignedVector<float>> buffers_;
  std::vector<Loan> loans_;
  AlignedVector<std::byte> scratch_;
  std::size_t buffer_bytes_ = 0;
};

}  // namespace sterna::tensor
