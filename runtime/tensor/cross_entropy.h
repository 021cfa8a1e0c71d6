// The loss of a classifier, row by row: -log softmax(logits)[label], in nats, and its gradient.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

struct CrossEntropyOptions {
  double weight = 0.0;  // of each row's loss in what the gradient is of
  // With label smoothing s, the loss of a row is 1 - s times that of its label and s times the mean over all
  // classes, as torch.nn.CrossEntropyLoss has it.
  double label_smoothing = 0.0;
};

// Over the rows whose label is not negative, added up in their order.
struct CrossEntropySums {
  double loss = 0.0;
  std::size_t correct = 0;  // rows whose label has the largest logit, the lower class on a tie
};

// Made for logits [rows, classes], plain. A NaN or an infinity among a row's logits (other than -infinity)
// makes its loss NaN, and that row is never correct, nor in a top five.
class CrossEntropy {
 public:
  virtual ~CrossEntropy() = default;

  // Scores each row, and overwrites the gradient [rows, classes]: weight * (softmax(logits) - target), where
  // the target is s / classes, plus 1 - s at the label; 0 in rows whose label is negative, which count for
  // nothing. With p = exp(logit - largest) in float32 and their sum in float64: p * float(weight / sum) -
  // float(weight s / classes), at the label less float(weight (1 - s)).
  //   labels  [rows], below `classes`
  virtual void score(ConstTensor logits, std::span<const std::int32_t> labels,
                     const CrossEntropyOptions& options, Tensor gradient) = 0;

  // Of the last score(). Waits.
  [[nodiscard]] virtual CrossEntropySums sums() = 0;

  // Rows of the last score(), which are handed over again, whose label has one of the five largest logits,
  // the lower class first on a tie. Waits.
  [[nodiscard]] virtual std::size_t count_in_top5(ConstTensor logits,
                                                  std::span<const std::int32_t> labels) = 0;
};

}  // namespace sterna::tensor
