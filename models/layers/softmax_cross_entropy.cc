#include "models/layers/softmax_cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/data/batch.h"

namespace sterna::models {
namespace {

struct RowScore {
  double loss = 0.0;
  bool is_correct = false;
};

// Writes exp(logit - largest) to `exponentials` and leaves their sum in `sum`.
RowScore score_row(std::span<const float> logits, std::size_t label, std::span<float> exponentials,
                   double& sum) {
  // The first of the largest, so the lower class wins a tie.
  const auto largest = std::ranges::max_element(logits);
  // Shifted by the largest, no exponential overflows, and their sum is at least 1.
  const float shift = *largest;
  for (std::size_t c = 0; c < logits.size(); ++c) exponentials[c] = std::exp(logits[c] - shift);
  sum = 0.0;
  for (float exponential : exponentials) sum += static_cast<double>(exponential);
  RowScore row;
  row.loss = std::log(sum) - (static_cast<double>(logits[label]) - static_cast<double>(shift));
  row.is_correct = !std::isnan(row.loss) && static_cast<std::size_t>(largest - logits.begin()) == label;
  return row;
}

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
    : form_(logits), gradient_(arena.reserve(form_)), losses_(logits.shape[0]), is_correct_(logits.shape[0]) {
  STERNA_CHECK(logits.is_plain() == true);
  STERNA_CHECK(logits.shape.size() == 2u);
}

BatchScore SoftmaxCrossEntropy::score(tensor::ConstTensor logits, std::span<const std::int32_t> labels) {
  // The exponentials have to go somewhere, and the gradient's buffer is free: backward passes ask for it
  // anew.
  return score_with_gradient(logits, labels);
}

BatchScore SoftmaxCrossEntropy::score_with_gradient(tensor::ConstTensor logits,
                                                    std::span<const std::int32_t> labels) {
  const std::size_t rows = form_.shape[0];
  const std::size_t classes = form_.shape[1];
  STERNA_CHECK(labels.size() == rows);
  BatchScore batch{.labels = count_labels(labels, classes)};
  const double weight = batch.labels == 0 ? 0.0 : 1.0 / static_cast<double>(batch.labels);

#pragma omp parallel for if (rows * classes > 4096)
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<float> gradient = gradient_.storage().subspan(row * classes, classes);
    losses_[row] = 0.0;
    is_correct_[row] = 0;
    if (labels[row] == data::kNoLabel) {
      std::ranges::fill(gradient, 0.0f);
      continue;
    }
    const auto label = static_cast<std::size_t>(labels[row]);
    double sum = 0.0;
    const RowScore score = score_row(logits.storage().subspan(row * classes, classes), label, gradient, sum);
    losses_[row] = score.loss;
    is_correct_[row] = score.is_correct ? 1 : 0;
    const auto scale = static_cast<float>(weight / sum);
    for (float& value : gradient) value *= scale;
    gradient[label] -= static_cast<float>(weight);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    batch.loss_sum += losses_[row];
    batch.correct += is_correct_[row];
  }
  return batch;
}

}  // namespace sterna::models
