// What a few seeds say of a mean, and of the difference between two ways to train.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sterna::experiment {

// The part of all samples whose intervals hold the true mean, if values are normally distributed.
inline constexpr double kConfidence = 0.95;

struct Bounds {
  double low;
  double high;
};

// A mean over seeds.
struct Estimate {
  double mean;
  std::optional<Bounds> bounds;  // of 95 %; none of a single value
};

// The t for which P(|T| <= t) = confidence, where T has Student's distribution. Exact to 1e-10 of itself.
//   degrees     of freedom, 1 or more
//   confidence  in (0, 1), at most 0.9999
// Source: the distribution as a finite sum, Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3
// and 26.7.4; inverted by bisection.
[[nodiscard]] double student_quantile(std::size_t degrees, double confidence);

// Of one value or more: mean +- t s / sqrt(n), with s the standard deviation (n - 1).
[[nodiscard]] Estimate estimate(std::span<const double> values);

// What an interval of differences, variant - baseline, says.
enum class Verdict { kEquivalent, kWorse, kBetter, kUndecided };

[[nodiscard]] std::string_view verdict_name(Verdict verdict);

// Equivalent if the interval lies within (-margin, margin); else worse or better if it lies wholly on one
// side of 0; else undecided.
[[nodiscard]] Verdict judge(const Bounds& bounds, double margin, bool is_higher_better);

// A run's measure; none if it diverged.
using Value = std::optional<double>;

// Two variants' values with the same seed.
struct Pair {
  Value variant;
  Value baseline;
};

struct Difference {
  std::optional<Estimate> estimate{};  // of pairs in which neither diverged
  std::size_t pairs = 0;               // so many
  Verdict verdict = Verdict::kUndecided;
  bool is_by_divergence = false;  // runs that diverged made the verdict, not the interval
};

// Compares by pairs. A run that diverged is worse than any number: a pair in which one alone diverged settles
// the verdict, unless another such pair, or the interval of the others, says the contrary; then it is
// undecided. A pair in which both diverged says nothing.
//   is_relative  differences are parts of the baseline's mean, and so is the margin
[[nodiscard]] Difference compare(std::span<const Pair> pairs, double margin, bool is_relative,
                                 bool is_higher_better);

}  // namespace sterna::experiment
