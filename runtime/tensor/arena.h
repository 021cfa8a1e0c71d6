// The memory of one model: all buffers are reserved while its layers are constructed, none while it runs.
#pragma once

#include <cstddef>
#include <deque>
#include <span>

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

  // Asks for working memory that all layers share: what one operation leaves in it, the next may overwrite.
  void reserve_scratch(std::size_t bytes);

  // The shared working memory. Its address is fixed once no one calls reserve_scratch() any more.
  [[nodiscard]] std::byte* scratch() { return scratch_.data(); }

  // All memory reserved so far.
  [[nodiscard]] std::size_t bytes() const { return buffer_bytes_ + scratch_.size(); }

 private:
  std::deque<AlignedVector<float>> buffers_;
  AlignedVector<std::byte> scratch_;
  std::size_t buffer_bytes_ = 0;
};

}  // namespace sterna::tensor
