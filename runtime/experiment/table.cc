#include "runtime/experiment/table.h"

#include <algorithm>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"

namespace sterna::experiment {
namespace {

std::string with_sign(double value, int decimals) {
  std::string text = fixed_text(value, decimals);
  return text.starts_with('-') ? text : '+' + text;
}

std::size_t count(const VariantResult& variant, RunStatus status) {
  return static_cast<std::size_t>(std::ranges::count(variant.runs, status, &RunSummary::status));
}

std::string measure_of(const VariantResult& variant) {
  if (!variant.estimate) return "";
  std::string text = fixed_text(variant.estimate->mean, 4);
  if (const auto& bounds = variant.estimate->bounds)
    text += cat(" +- ", fixed_text(0.5 * (bounds->high - bounds->low), 4));
  return text;
}

std::string runs_of(const VariantResult& variant) {
  std::string text = cat(count(variant, RunStatus::kDone));
  if (const std::size_t diverged = count(variant, RunStatus::kDiverged))
    text += cat(", ", diverged, " diverged");
  if (const std::size_t failed = count(variant, RunStatus::kFailed)) text += cat(", ", failed, " failed");
  return text;
}

std::string row_of(const VariantResult& variant) {
  double seconds = 0.0;
  for (const RunSummary& run : variant.runs)
    seconds += run.seconds / static_cast<double>(variant.runs.size());
  const bool is_measured = variant.estimate.has_value();
  return cat("| ", variant.name, " | ", measure_of(variant), " | ", runs_of(variant), " | ",
             is_measured ? fixed_text(variant.payload_bytes, 0) : "", " | ",
             is_measured ? fixed_text(variant.compression_rate, 1) : "", " | ", fixed_text(seconds, 1),
             " |\n");
}

// Parts of the baseline are shown in percent.
std::string difference_of(const ComparisonResult& comparison) {
  const auto& estimate = comparison.difference.estimate;
  if (!estimate) return "no pair of runs that are done";
  const double scale = comparison.asked.is_margin_relative ? 100.0 : 1.0;
  const int digits = comparison.asked.is_margin_relative ? 2 : 4;
  const char* unit = comparison.asked.is_margin_relative ? " %" : "";
  std::string text = cat(with_sign(scale * estimate->mean, digits), unit);
  if (const auto& bounds = estimate->bounds) {
    text += cat(" (95 %: ", with_sign(scale * bounds->low, digits), " to ",
                with_sign(scale * bounds->high, digits), unit, ")");
  }
  return text;
}

std::string margin_of(const Comparison& asked) {
  return asked.is_margin_relative ? cat(100.0 * asked.margin, " %") : cat(asked.margin);
}

// How many, and of how many the difference is where in others a run diverged.
std::string pairs_of(const ComparisonResult& comparison) {
  std::string text = cat(comparison.pairs);
  if (!comparison.is_finished()) text += cat(" of ", comparison.planned);
  text += " pairs";
  if (comparison.difference.estimate && comparison.difference.pairs < comparison.pairs)
    text += cat(", ", comparison.difference.pairs, " done");
  return text;
}

std::string verdict_of(const ComparisonResult& comparison) {
  if (!comparison.is_finished()) return "not finished";
  const auto holds = comparison.holds();
  const std::string expectation = !holds   ? "nothing was expected"
                                  : *holds ? "as expected"
                                           : cat("expected: ", comparison.asked.expected);
  return cat(verdict_name(comparison.difference.verdict), ", ", expectation);
}

std::string line_of(const ComparisonResult& comparison) {
  const Comparison& asked = comparison.asked;
  return cat("- ", asked.variant, " against ", asked.baseline, ", ", pairs_of(comparison), ": ",
             difference_of(comparison), "; margin ", margin_of(asked), ": ", verdict_of(comparison), "\n");
}

}  // namespace

std::string to_markdown(const ExperimentResult& result) {
  const Definition& d = result.definition;
  std::string text =
      cat(d.title, " (", d.name, ", ", d.is_quick ? "quick" : "full", ")\n\n| variant | ", d.measure,
          " | runs | payload bytes a step | rate | seconds a run |\n|---|---|---|---|---|---|\n");
  for (const VariantResult& variant : result.variants) text += row_of(variant);
  if (!result.comparisons.empty()) text += '\n';
  for (const ComparisonResult& comparison : result.comparisons) text += line_of(comparison);
  return text;
}

}  // namespace sterna::experiment
