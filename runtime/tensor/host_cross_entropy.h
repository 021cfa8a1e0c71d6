// CrossEntropy on the processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/tensor/cross_entropy.h"

namespace sterna::tensor {

class HostCrossEntropy final : public CrossEntropy {
 public:
  HostCrossEntropy(std::size_t rows, std::size_t classes)
      : classes_(classes), losses_(rows), is_correct_(rows) {}

  void score(ConstTensor logits, std::span<const std::int32_t> labels, const CrossEntropyOptions& options,
             Tensor gradient) override;
  [[nodiscard]] CrossEntropySums sums() override;
  [[nodiscard]] std::size_t count_in_top5(ConstTensor logits, std::span<const std::int32_t> labels) override;

 private:
  std::size_t classes_;
  std::vector<double> losses_;  // [rows], added in order so that the sum does not depend on the threads
  std::vector<std::uint8_t> is_correct_;  // [rows]
};

}  // namespace sterna::tensor
