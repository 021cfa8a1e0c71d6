#include "models/layers/softmax_cross_entropy.h"

#include "runtime/core/errors.h"
#include "runtime/data/batch.h"

namespace sterna::models {
namespace {

std::size_t count_labels(std::span<const std::int32_t> labels, std::size_t classes) {
  std::size_t counting = 0;
  for (std::int32_t label : labels) {
    if (label == data::kNoLabel) continue;
    STERNA_CHECK(label >= 0);
    STERNA_CHECK(static_cast<std::size_t>(label) < classes);
    ++counting;
  }
  return counting;
}

}  // namespace

SoftmaxCrossEntropy::SoftmaxCrossEntropy(const tensor::TensorForm& logits, tensor::Arena& arena)
    : form_(logits),
      arena_(arena),
      classes_(logits.shape.back()),
      rows_(tensor::elements_of(logits.shape) / classes_),
      loss_(arena.operations().make_cross_entropy(rows_, classes_)) {
  STERNA_CHECK(logits.is_plain() == true);
  tensor::Operations& operations = arena.operations();
  if (!operations.is_in_host_memory()) labels_ = operations.reserve(rows_ * sizeof(std::int32_t));
}

std::span<const std::int32_t> SoftmaxCrossEntropy::placed(std::span<const std::int32_t> labels) {
  if (labels_ == nullptr) return labels;
  const std::span<std::int32_t> there(reinterpret_cast<std::int32_t*>(labels_.get()), rows_);
  arena_.operations().copy_from_host<std::int32_t>(labels, there);
  return there;
}

tensor::Tensor SoftmaxCrossEntropy::begin(tensor::ConstTensor logits, std::span<const std::int32_t> labels,
                                          double label_smoothing) {
  STERNA_CHECK(labels.size() == rows_);
  counting_ = count_labels(labels, classes_);
  labels_there_ = placed(labels);
  const tensor::Tensor gradient = arena_.borrow(form_);
  loss_->score(logits, labels_there_,
               {.weight = counting_ == 0 ? 0.0 : 1.0 / static_cast<double>(counting_),
                .label_smoothing = label_smoothing},
               gradient);
  return gradient;
}

BatchScore SoftmaxCrossEntropy::finish() {
  const tensor::CrossEntropySums sums = loss_->sums();
  return {.loss_sum = sums.loss, .correct = sums.correct, .labels = counting_};
}

ScoreWithGradient SoftmaxCrossEntropy::score_with_gradient(tensor::ConstTensor logits,
                                                           std::span<const std::int32_t> labels,
                                                           double label_smoothing) {
  const tensor::Tensor gradient = begin(logits, labels, label_smoothing);
  return {finish(), gradient};
}

BatchScore SoftmaxCrossEntropy::score(tensor::ConstTensor logits, std::span<const std::int32_t> labels,
                                      double label_smoothing) {
  const auto [score, gradient] = score_with_gradient(logits, labels, label_smoothing);
  arena_.give_back(gradient);
  BatchScore with_top5 = score;
  with_top5.correct_top5 = loss_->count_in_top5(logits, labels_there_);
  return with_top5;
}

}  // namespace sterna::models
