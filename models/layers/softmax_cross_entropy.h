// The loss of a classifier: -log softmax(logits)[label], in nats; torch.nn.CrossEntropyLoss with
// ignore_index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "models/model.h"
#include "runtime/tensor/arena.h"
#include "runtime/tensor/cross_entropy.h"
#include "runtime/tensor/tensor.h"

namespace sterna::models {

struct ScoreWithGradient {
  BatchScore score;
  tensor::Tensor gradient;  // of loss_sum / labels, [..., classes]; borrowed, the caller's
};

class SoftmaxCrossEntropy {
 public:
  // `logits` is plain, [..., classes]; the extents before the last make rows.
  SoftmaxCrossEntropy(const tensor::TensorForm& logits, tensor::Arena& arena);

  // With label smoothing s, the loss of a row is 1 - s times that of its label and s times the mean over all
  // classes, as torch.nn.CrossEntropyLoss has it.

  // Scores one label a row; rows whose label is kNoLabel count for nothing. A NaN or an infinity among a
  // row's logits (other than -infinity) makes the loss NaN, and that row is never correct.
  //   labels  in the host's memory
  [[nodiscard]] BatchScore score(tensor::ConstTensor logits, std::span<const std::int32_t> labels,
                                 double label_smoothing = 0.0);

  // As score(), with the gradient of the logits; 0 in rows that count for nothing. Leaves correct_top5 at 0:
  // training does not report it.
  [[nodiscard]] ScoreWithGradient score_with_gradient(tensor::ConstTensor logits,
                                                      std::span<const std::int32_t> labels,
                                                      double label_smoothing = 0.0);

  // The two halves of score_with_gradient(): what a device computes may go on while the host hands it the
  // backward pass, and the score is waited for after that.
  [[nodiscard]] tensor::Tensor begin(tensor::ConstTensor logits, std::span<const std::int32_t> labels,
                                     double label_smoothing);
  [[nodiscard]] BatchScore finish();

 private:
  // The labels where the operations find them.
  std::span<const std::int32_t> placed(std::span<const std::int32_t> labels);

  tensor::TensorForm form_;
  tensor::Arena& arena_;
  std::size_t classes_;
  std::size_t rows_;
  std::unique_ptr<tensor::CrossEntropy> loss_;
  tensor::Memory labels_;                         // [rows]; none: the operations read the host's memory
  std::span<const std::int32_t> labels_there_{};  // of the last begin()
  std::size_t counting_ = 0;                      // of these
};

}  // namespace sterna::models
