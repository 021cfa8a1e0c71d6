#include "models/layers/softmax_cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/data/batch.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::models {
namespace {

struct RowScore {
  double loss = 0.0;
  bool is_correct = false;
};

// Classes that come before `label` when logits are sorted, the largest first and the lower class first on a
// tie.
std::size_t classes_before(std::span<const float> logits, std::size_t label) {
  std::size_t before = 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    before += (logits[c] > logits[label] || (logits[c] == logits[label] && c < label)) ? 1 : 0;
  }
  return before;
}

// The lower class wins a tie.
bool is_first_of_largest(std::span<const float> logits, std::size_t label, float largest) {
  const auto before = logits.first(label);
  return logits[label] == largest && std::ranges::find(before, largest) == before.end();
}

struct RowTarget {
  std::size_t label;
  double smoothing;
};

// Writes exp(logit - largest) to `exponentials` and leaves their sum in `sum`.
RowScore score_row(std::span<const float> logits, const RowTarget& target, std::span<float> exponentials,
                   double& sum) {
  float shift = logits.front();
#pragma omp simd reduction(max : shift)
  for (std::size_t c = 0; c < logits.size(); ++c) shift = std::max(shift, logits[c]);
  // Shifted by the largest, no exponential overflows, and their sum is at least 1.
  tensor::kernels::fastest_kernels().shifted_exponentials(logits.data(), shift, logits.size(),
                                                          exponentials.data());
  double all_exponentials = 0.0;
#pragma omp simd reduction(+ : all_exponentials)
  for (std::size_t c = 0; c < exponentials.size(); ++c) {
    all_exponentials += static_cast<double>(exponentials[c]);
  }
  sum = all_exponentials;
  RowScore row;
  double expected = static_cast<double>(logits[target.label]) - static_cast<double>(shift);
  if (target.smoothing > 0.0) {
    double all = 0.0;
    for (float logit : logits) all += static_cast<double>(logit) - static_cast<double>(shift);
    expected =
        (1.0 - target.smoothing) * expected + target.smoothing * all / static_cast<double>(logits.size());
  }
  row.loss = std::log(sum) - expected;
  row.is_correct = !std::isnan(row.loss) && is_first_of_largest(logits, target.label, shift);
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
    : form_(logits),
      arena_(arena),
      classes_(logits.shape.back()),
      losses_(tensor::elements_of(logits.shape) / classes_),
      is_correct_(losses_.size()) {
  STERNA_CHECK(logits.is_plain() == true);
}

BatchScore SoftmaxCrossEntropy::score(tensor::ConstTensor logits, std::span<const std::int32_t> labels,
                                      double label_smoothing) {
  ScoreWithGradient scored = score_with_gradient(logits, labels, label_smoothing);
  arena_.give_back(scored.gradient);
  scored.score.correct_top5 = count_in_top5(logits, labels);
  return scored.score;
}

std::size_t SoftmaxCrossEntropy::count_in_top5(tensor::ConstTensor logits,
                                               std::span<const std::int32_t> labels) const {
  std::size_t counted = 0;
#pragma omp parallel for reduction(+ : counted) if (labels.size() * classes_ > 4096)
  for (std::size_t row = 0; row < labels.size(); ++row) {
    // The losses are those of score_with_gradient(): a row with a NaN is in no top five.
    if (labels[row] == data::kNoLabel || std::isnan(losses_[row])) continue;
    const auto label = static_cast<std::size_t>(labels[row]);
    counted += classes_before(logits.storage().subspan(row * classes_, classes_), label) < 5 ? 1 : 0;
  }
  return counted;
}

ScoreWithGradient SoftmaxCrossEntropy::score_with_gradient(tensor::ConstTensor logits,
                                                           std::span<const std::int32_t> labels,
                                                           double label_smoothing) {
  const std::size_t rows = losses_.size();
  const std::size_t classes = classes_;
  STERNA_CHECK(labels.size() == rows);
  const tensor::Tensor gradients = arena_.borrow(form_);
  BatchScore batch{.labels = count_labels(labels, classes)};
  const double weight = batch.labels == 0 ? 0.0 : 1.0 / static_cast<double>(batch.labels);

#pragma omp parallel for if (rows * classes > 4096)
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<float> gradient = gradients.storage().subspan(row * classes, classes);
    losses_[row] = 0.0;
    is_correct_[row] = 0;
    if (labels[row] == data::kNoLabel) {
      std::ranges::fill(gradient, 0.0f);
      continue;
    }
    const auto label = static_cast<std::size_t>(labels[row]);
    double sum = 0.0;
    const RowScore score = score_row(logits.storage().subspan(row * classes, classes),
                                     {.label = label, .smoothing = label_smoothing}, gradient, sum);
    losses_[row] = score.loss;
    is_correct_[row] = score.is_correct ? 1 : 0;
    const auto scale = static_cast<float>(weight / sum);
    const auto to_all = static_cast<float>(weight * label_smoothing / static_cast<double>(classes));
    for (float& value : gradient) value = value * scale - to_all;
    gradient[label] -= static_cast<float>(weight * (1.0 - label_smoothing));
  }
  for (std::size_t row = 0; row < rows; ++row) {
    batch.loss_sum += losses_[row];
    batch.correct += is_correct_[row];
  }
  return {batch, gradients};
}

}  // namespace sterna::models
