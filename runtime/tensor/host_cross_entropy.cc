#include "runtime/tensor/host_cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor {
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
  kernels::fastest_kernels().shifted_exponentials(logits.data(), shift, logits.size(), exponentials.data());
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

}  // namespace

void HostCrossEntropy::score(ConstTensor logits, std::span<const std::int32_t> labels,
                             const CrossEntropyOptions& options, Tensor gradient) {
  const std::size_t rows = losses_.size();
  const std::size_t classes = classes_;
  const double weight = options.weight, label_smoothing = options.label_smoothing;
  STERNA_CHECK(labels.size() == rows);
  STERNA_CHECK(logits.storage().size() == rows * classes);

#pragma omp parallel for if (rows * classes > 4096)
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<float> of_row = gradient.storage().subspan(row * classes, classes);
    losses_[row] = 0.0;
    is_correct_[row] = 0;
    if (labels[row] < 0) {
      std::ranges::fill(of_row, 0.0f);
      continue;
    }
    const auto label = static_cast<std::size_t>(labels[row]);
    double sum = 0.0;
    const RowScore score = score_row(logits.storage().subspan(row * classes, classes),
                                     {.label = label, .smoothing = label_smoothing}, of_row, sum);
    losses_[row] = score.loss;
    is_correct_[row] = score.is_correct ? 1 : 0;
    const auto scale = static_cast<float>(weight / sum);
    const auto to_all = static_cast<float>(weight * label_smoothing / static_cast<double>(classes));
    for (float& value : of_row) value = value * scale - to_all;
    of_row[label] -= static_cast<float>(weight * (1.0 - label_smoothing));
  }
}

CrossEntropySums HostCrossEntropy::sums() {
  CrossEntropySums sums;
  for (std::size_t row = 0; row < losses_.size(); ++row) {
    sums.loss += losses_[row];
    sums.correct += is_correct_[row];
  }
  return sums;
}

std::size_t HostCrossEntropy::count_in_top5(ConstTensor logits, std::span<const std::int32_t> labels) {
  std::size_t counted = 0;
#pragma omp parallel for reduction(+ : counted) if (labels.size() * classes_ > 4096)
  for (std::size_t row = 0; row < labels.size(); ++row) {
    // A row with a NaN is in no top five.
    if (labels[row] < 0 || std::isnan(losses_[row])) continue;
    const auto label = static_cast<std::size_t>(labels[row]);
    counted += classes_before(logits.storage().subspan(row * classes_, classes_), label) < 5 ? 1 : 0;
  }
  return counted;
}

}  // namespace sterna::tensor
