// The memory of one model, in that of its operations: what lives from forward to backward is reserved while
// its layers are constructed; what lives for a part of a pass is borrowed from a pool, which has all it needs
// after the first pass.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/tensor/operations.h"
#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

class Arena {
 public:
  // The operations, which do all work on this memory, must outlive it.
  explicit Arena(Operations& operations = cpu_operations()) : operations_(operations) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  [[nodiscard]] Operations& operations() const { return operations_; }

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
  [[nodiscard]] std::byte* scratch() { return scratch_.get(); }

  // All memory reserved and borrowed so far.
  [[nodiscard]] std::size_t bytes() const { return buffer_bytes_ + scratch_bytes_; }

 private:
  struct Loan {
    Memory memory;
    std::size_t elements;
    bool is_out = false;

    [[nodiscard]] float* data() const { return reinterpret_cast<float*>(memory.get()); }
  };

  Operations& operations_;
  std::vector<Memory> buffers_;
  std::vector<Loan> loans_;
  Memory scratch_;
  std::size_t scratch_bytes_ = 0;
  std::size_t buffer_bytes_ = 0;
};

}  // namespace sterna::tensor
