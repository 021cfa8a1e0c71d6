// The sum of vectors that come one by one, in the order of the tree over learners, with few of them held at a
// time.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/core/aligned_vector.h"

namespace sterna::exchange {

// Sums n vectors, each [elements], as collectives::for_each_tree_addition orders it: at most log2(n) + 1 are
// held.
class TreeAccumulator {
 public:
  // Forgets what was summed; buffers are kept.
  void restart(std::size_t elements);

  // Returns the place for the next vector; fill it, then call push().
  [[nodiscard]] std::span<float> next();
  void push();

  // The sum of all that was pushed, at least one vector; valid until restart(). Ends the summation.
  [[nodiscard]] std::span<float> sum();

 private:
  struct Partial {
    std::size_t buffer;
    std::size_t vectors;  // a power of two until sum()
  };

  void merge_last_two();

  std::size_t elements_ = 0;
  std::vector<AlignedVector<float>> buffers_;
  std::vector<Partial> partials_;  // vectors falls from front to back
};

}  // namespace sterna::exchange
