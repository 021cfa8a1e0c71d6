#include "runtime/report/verdict.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/report/statistics.h"

namespace sterna::report {
namespace {

// "equivalent to dense", "worse than dense".
std::string relation_text(const std::string& verdict, const std::string& baseline) {
  if (verdict == "undecided") return cat("neither shown to equal nor to differ from ", baseline);
  return cat(verdict, verdict == "equivalent" ? " to " : " than ", baseline);
}

std::string headline_of(const Comparison& c, Outcome outcome) {
  const std::string expected = relation_text(c.expected, c.baseline);
  const std::string found = relation_text(c.verdict, c.baseline);
  switch (outcome) {
    case Outcome::kHolds:
      return cat("Held: ", c.variant, " is ", found, ", as expected.");
    case Outcome::kFails:
      return cat("Did not hold: ", c.variant, " was expected to be ", expected, ", and is ", c.verdict, ".");
    case Outcome::kUndecided:
      return cat("Not settled: ", c.variant, " was expected to be ", expected,
                 "; these runs do not decide it.");
    case Outcome::kUnfinished:
      return cat("Not finished: ", c.pairs, " of ", c.planned_pairs, " pairs of ", c.variant, " and ",
                 c.baseline, " are there", c.expected == "open" ? "." : cat("; expected: ", expected, "."));
    case Outcome::kOpen:
      return cat("Nothing was expected: ", c.variant, " is ", found, ".");
  }
  return "";
}

// Differences in units of the measure, or in per cent of the baseline's mean.
struct DifferenceUnit {
  double factor;
  std::string name;
  int decimals;

  [[nodiscard]] std::string text(double difference) const {
    return fixed_text(factor * difference, decimals) + name;
  }
};

DifferenceUnit unit_of(const Comparison& c) {
  const double factor = c.is_margin_relative ? 100.0 : 1.0;
  // Without an interval a tenth of the margin's first digit is told, and no less.
  const double half_width = c.low && c.high ? (*c.high - *c.low) / 2.0 : c.margin / 5.0;
  return {.factor = factor,
          .name = c.is_margin_relative ? " %" : "",
          .decimals = justified_decimals(factor * c.difference.value_or(c.margin), factor * half_width)};
}

std::string margin_text(const Comparison& c) {
  return c.is_margin_relative ? plain_number_text(100.0 * c.margin, 3) + " %"
                              : plain_number_text(c.margin, 3);
}

std::string difference_text(const Experiment& experiment, const Comparison& c) {
  if (!c.difference) return "There is no difference to show: in no pair were both runs done.";
  const DifferenceUnit unit = unit_of(c);
  std::string text =
      cat("The ", measure_text(experiment.measure), " of ", c.variant, " less that of ", c.baseline, " is ",
          unit.text(*c.difference), c.is_margin_relative ? cat(" of ", c.baseline, "'s") : "",
          " in the mean of ", c.pairs_done, c.pairs_done == 1 ? " pair" : " pairs", " of runs");
  if (!c.low || !c.high) return text + ", too few for an interval.";
  return text + cat(", with a 95 % interval from ", unit.text(*c.low), " to ", unit.text(*c.high), ".");
}

// Where the interval lies, and what follows.
std::string reason_text(const Comparison& c) {
  if (c.is_by_divergence) {
    return c.verdict == "undecided" ? " Runs that diverged contradict it, or one another." : "";
  }
  if (!c.low || !c.high) return "";
  const std::string margin = margin_text(c);
  if (c.verdict == "equivalent") {
    return cat(" All of it lies within the margin of ", margin,
               " either way: at 95 %, the mean difference is smaller than that.");
  }
  if (c.verdict == "undecided") {
    return cat(" It reaches beyond the margin of ", margin,
               " and holds 0, so that neither equality nor a difference is shown; more seeds would make it "
               "shorter.");
  }
  const bool is_beyond = std::min(std::abs(*c.low), std::abs(*c.high)) > c.margin;
  return cat(" All of it lies on the ", c.verdict, " side of 0, ",
             is_beyond ? "beyond the margin of " : "and not within the margin of ", margin, ".");
}

std::string unfinished_text(const Experiment& experiment, const std::string& name) {
  const Variant* variant = experiment.variant(name);
  if (variant == nullptr) return "";
  std::string text;
  const std::size_t runs = variant->runs.size();
  if (const std::size_t diverged = variant->count("diverged"); diverged > 0) {
    text += cat(" ", diverged, " of ", runs, " runs of ", name,
                " diverged, which counts as worse than any number.");
  }
  if (const std::size_t failed = variant->count("failed"); failed > 0) {
    text += cat(" ", failed, " of ", runs, " runs of ", name, " failed and are not counted.");
  }
  return text;
}

}  // namespace

Outcome outcome_of(const Comparison& comparison) {
  if (comparison.pairs < comparison.planned_pairs) return Outcome::kUnfinished;
  if (comparison.expected == "open") return Outcome::kOpen;
  if (comparison.verdict == comparison.expected) return Outcome::kHolds;
  return comparison.verdict == "undecided" ? Outcome::kUndecided : Outcome::kFails;
}

std::string outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::kHolds:
      return "held";
    case Outcome::kFails:
      return "did not hold";
    case Outcome::kUndecided:
      return "not settled";
    case Outcome::kUnfinished:
      return "not finished";
    case Outcome::kOpen:
      return "nothing expected";
  }
  return "";
}

Verdict verdict_of(const Experiment& experiment, const Comparison& comparison) {
  const Outcome outcome = outcome_of(comparison);
  return {.outcome = outcome,
          .headline = headline_of(comparison, outcome),
          .text = difference_text(experiment, comparison) + reason_text(comparison) +
                  unfinished_text(experiment, comparison.variant) +
                  unfinished_text(experiment, comparison.baseline)};
}

std::string measure_text(const std::string& measure) {
  std::string text = measure;
  std::ranges::replace(text, '_', ' ');
  return text;
}

Paragraph how_to_read() {
  return {
      "How to read this: each comparison takes runs of equal seed in pairs, and asks how much a variant's "
      "result differs from its baseline's. The 95 % interval says how well so few seeds know the mean "
      "difference: made again and again with other seeds, 95 of 100 such intervals would hold the true one; "
      "of many comparisons some miss. A variant is equivalent if the whole interval lies within the margin, "
      "which the experiment fixes before it runs; worse or better if the interval lies on that side of 0, by "
      "less than the margin maybe; and undecided otherwise. A verdict is about the measure alone: what a "
      "claim says of rates, elements or residues is in the tables and charts."};
}

}  // namespace sterna::report
