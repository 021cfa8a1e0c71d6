#include "runtime/experiment/statistics.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "runtime/core/errors.h"

namespace sterna::experiment {
namespace {

// P(|T| <= t).
double student_probability(double t, std::size_t degrees) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(angle);
  const bool is_odd = degrees % 2 == 1;
  // Odd: cos + 2/3 cos^3 + (2 4)/(3 5) cos^5 + ... cos^(degrees - 2); even: 1 + 1/2 cos^2 + (1 3)/(2 4) cos^4
  // + ... cos^(degrees - 2).
  double term = is_odd ? cosine : 1.0;
  double sum = 0.0;
  for (std::size_t power = is_odd ? 1 : 0; power + 2 <= degrees; power += 2) {
    sum += term;
    term *= cosine * cosine * static_cast<double>(power + 1) / static_cast<double>(power + 2);
  }
  if (!is_odd) return std::sin(angle) * sum;
  return 2.0 / std::numbers::pi * (angle + std::sin(angle) * sum);
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// In how many pairs one alone diverged.
struct Diverged {
  std::size_t variants = 0;
  std::size_t baselines = 0;
};

Diverged count_diverged(std::span<const Pair> pairs) {
  Diverged count;
  for (const Pair& pair : pairs) {
    if (!pair.variant && pair.baseline) ++count.variants;
    if (pair.variant && !pair.baseline) ++count.baselines;
  }
  return count;
}

// Of the pairs in which neither diverged.
std::vector<double> differences_of(std::span<const Pair> pairs, bool is_relative) {
  std::vector<double> differences, baselines;
  for (const Pair& pair : pairs) {
    if (!pair.variant || !pair.baseline) continue;
    differences.push_back(*pair.variant - *pair.baseline);
    baselines.push_back(*pair.baseline);
  }
  if (is_relative) {
    const double scale = std::abs(mean_of(baselines));
    for (double& difference : differences) difference /= scale;
  }
  return differences;
}

// What runs that diverged say, where the interval of the others says `by_interval`.
Verdict judge_diverged(const Diverged& diverged, Verdict by_interval) {
  if (diverged.baselines == 0 && by_interval != Verdict::kBetter) return Verdict::kWorse;
  if (diverged.variants == 0 && by_interval != Verdict::kWorse) return Verdict::kBetter;
  return Verdict::kUndecided;
}

}  // namespace

double student_quantile(std::size_t degrees, double confidence) {
  STERNA_CHECK(degrees >= 1u);
  STERNA_CHECK(confidence <= 0.9999);
  double low = 0.0;
  double high = 1e4;  // with one degree, the widest, P(|T| <= 6366) = 0.9999
  while (high - low > 1e-12 * high) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (student_probability(middle, degrees) < confidence ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

Estimate estimate(std::span<const double> values) {
  STERNA_CHECK(values.size() >= 1u);
  Estimate result{.mean = mean_of(values), .bounds = std::nullopt};
  if (values.size() < 2) return result;
  double squares = 0.0;
  for (double value : values) squares += (value - result.mean) * (value - result.mean);
  const auto n = static_cast<double>(values.size());
  const double half =
      student_quantile(values.size() - 1, kConfidence) * std::sqrt(squares / (n - 1.0)) / std::sqrt(n);
  result.bounds = {.low = result.mean - half, .high = result.mean + half};
  return result;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kBetter:
      return "better";
    case Verdict::kUndecided:
      break;
  }
  return "undecided";
}

Verdict judge(const Bounds& bounds, double margin, bool is_higher_better) {
  if (-margin < bounds.low && bounds.high < margin) return Verdict::kEquivalent;
  if (bounds.high < 0.0) return is_higher_better ? Verdict::kWorse : Verdict::kBetter;
  if (bounds.low > 0.0) return is_higher_better ? Verdict::kBetter : Verdict::kWorse;
  return Verdict::kUndecided;
}

Difference compare(std::span<const Pair> pairs, double margin, bool is_relative, bool is_higher_better) {
  const std::vector<double> differences = differences_of(pairs, is_relative);
  Difference result{.pairs = differences.size()};
  if (!differences.empty()) result.estimate = estimate(differences);
  if (result.estimate && result.estimate->bounds) {
    result.verdict = judge(*result.estimate->bounds, margin, is_higher_better);
  }
  const Diverged diverged = count_diverged(pairs);
  result.is_by_divergence = diverged.variants > 0 || diverged.baselines > 0;
  if (result.is_by_divergence) result.verdict = judge_diverged(diverged, result.verdict);
  return result;
}

}  // namespace sterna::experiment
