#include "runtime/report/experiment_section.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/report/comparison_views.h"
#include "runtime/report/diagnostic_comparison.h"
#include "runtime/report/run_section.h"
#include "runtime/report/statistics.h"
#include "runtime/report/verdict.h"

namespace sterna::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A variant with the logs of its runs, in the order of their seeds.
struct LoggedVariant {
  const Variant& variant;
  std::vector<RunLog> runs;
};

std::string flags_text(const SettingList& settings) {
  std::vector<std::string> flags;
  for (const auto& [key, value] : settings) flags.push_back(cat("--", key, " ", value));
  return flags.empty() ? "none" : joined(flags, " ");
}

std::optional<double> half_width(const Variant& variant) {
  if (!variant.low || !variant.high) return std::nullopt;
  return (*variant.high - *variant.low) / 2.0;
}

// Where one run alone is done there is no mean, but a value.
double value_of(const Variant& variant) {
  if (variant.mean) return *variant.mean;
  const auto done = std::ranges::find(variant.runs, "done", &ExperimentRun::status);
  return done == variant.runs.end() ? kNan : done->value.value_or(kNan);
}

std::string interval_text(const Variant& variant, int decimals) {
  if (!variant.low || !variant.high) return "fewer than 2 runs";
  return cat(fixed_text(*variant.low, decimals), " to ", fixed_text(*variant.high, decimals));
}

std::string runs_text(const Variant& variant, std::size_t planned) {
  std::string text = cat(variant.count("done"), " of ", std::max(planned, variant.runs.size()));
  if (const std::size_t diverged = variant.count("diverged"); diverged > 0)
    text += cat(", ", diverged, " diverged");
  if (const std::size_t failed = variant.count("failed"); failed > 0) text += cat(", ", failed, " failed");
  return text;
}

Table table_of(const Experiment& experiment) {
  Table table{.caption = cat("Variants: ", measure_text(experiment.measure), ", ",
                             experiment.is_higher_better ? "higher" : "lower", " is better"),
              .columns = {{"variant", false},
                          {"runs done"},
                          {"mean"},
                          {"95 % interval"},
                          {"rate"},
                          {"payload bytes a step"},
                          {"seconds a run"},
                          {"flags of its own", false}},
              .rows = {}};
  for (const Variant& v : experiment.variants) {
    const double value = value_of(v);
    const int decimals = justified_decimals(value, half_width(v));
    table.rows.push_back({v.name, runs_text(v, experiment.seeds), fixed_text(value, decimals),
                          interval_text(v, decimals), digits_text(v.compression_rate.value_or(kNan), 3),
                          grouped_text(v.payload_bytes.value_or(kNan)), digits_text(v.mean_seconds(), 3),
                          flags_text(v.settings)});
  }
  return table;
}

void add_means_against_bytes(const Experiment& experiment, std::vector<Block>& blocks) {
  std::vector<FrontMark> marks;
  for (const Variant& v : experiment.variants) {
    marks.push_back({.name = v.name,
                     .payload_bytes = v.payload_bytes.value_or(kNan),
                     .value = value_of(v),
                     .low = v.low.value_or(kNan),
                     .high = v.high.value_or(kNan),
                     .has_diverged = v.count("diverged") > 0});
  }
  add_front(experiment.measure, experiment.is_higher_better, marks, "Means over seeds, with 95 % intervals.",
            blocks);
}

bool is_log_directory(const std::filesystem::path& directory) {
  return std::filesystem::is_regular_file(directory / "run.json");
}

std::vector<LoggedVariant> read_curves(const Experiment& experiment) {
  std::vector<LoggedVariant> variants;
  for (const Variant& variant : experiment.variants) {
    LoggedVariant logged{.variant = variant, .runs = {}};
    for (const ExperimentRun& run : variant.runs) {
      if (is_log_directory(run.directory)) logged.runs.push_back(read_run_log(run.directory));
    }
    variants.push_back(std::move(logged));
  }
  return variants;
}

// Of each variant the run with the first seed, with its layers, which are read only now.
std::vector<Section> first_runs(std::vector<LoggedVariant>& variants, std::size_t most_points) {
  std::vector<Section> sections;
  for (LoggedVariant& logged : variants) {
    const Variant& variant = logged.variant;
    const auto first = std::ranges::min_element(variant.runs, {}, &ExperimentRun::seed);
    if (first == variant.runs.end()) continue;
    const auto run = std::ranges::find(logged.runs, first->directory, &RunLog::directory);
    if (run == logged.runs.end()) continue;
    read_layers(*run);
    sections.push_back(run_section(*run, cat(variant.name, ", seed ", first->seed), most_points));
    sections.back().is_folded = true;
  }
  return sections;
}

// What is missing or cut short of all logs, in a sentence each.
void add_notes(const Experiment& experiment, const std::vector<LoggedVariant>& variants,
               std::vector<Block>& blocks) {
  std::size_t missing = 0;
  for (const Variant& variant : experiment.variants) {
    missing += static_cast<std::size_t>(std::ranges::count_if(
        variant.runs, [](const ExperimentRun& run) { return !is_log_directory(run.directory); }));
  }
  if (missing > 0) {
    blocks.push_back(Paragraph{cat("The logs of ", missing, missing == 1 ? " run" : " runs",
                                   " are not there; curves and charts are those of the others.")});
  }
  for (const LoggedVariant& logged : variants) {
    for (const RunLog& run : logged.runs) {
      for (const std::string& note : run.notes) {
        blocks.push_back(
            Paragraph{cat(run.directory.lexically_relative(experiment.directory).string(), ": ", note)});
      }
    }
  }
}

std::string conditions_of(const Experiment& experiment) {
  std::string text =
      cat("Size: ", experiment.size, ". Flags of all variants: ", flags_text(experiment.settings), ".");
  if (!experiment.machine.empty()) text += cat(" Machine: ", experiment.machine, ".");
  if (std::isfinite(experiment.seconds))
    text += cat(" The wall times of all runs, copied ones too, add up to ", duration_text(experiment.seconds),
                ".");
  return text;
}

}  // namespace

Section experiment_section(const Experiment& experiment, std::size_t most_points) {
  Section section{.title = experiment.title, .blocks = {}};
  std::vector<Block>& blocks = section.blocks;
  if (!experiment.claim.empty()) blocks.push_back(Paragraph{cat("Claim: ", experiment.claim)});
  if (!experiment.source.empty()) blocks.push_back(Paragraph{cat("Source: ", experiment.source)});
  for (const Comparison& c : experiment.comparisons) blocks.emplace_back(verdict_of(experiment, c));
  std::vector<LoggedVariant> variants = read_curves(experiment);
  add_notes(experiment, variants, blocks);
  blocks.emplace_back(table_of(experiment));
  blocks.push_back(Paragraph{conditions_of(experiment)});
  add_means_against_bytes(experiment, blocks);
  std::vector<VariantRuns> runs;
  for (const LoggedVariant& logged : variants) {
    runs.push_back({logged.variant.name, RunList(logged.runs.begin(), logged.runs.end())});
  }
  add_loss_curves(runs, blocks);
  add_measure_curves(experiment.measure, runs, blocks);
  add_step_costs(runs, blocks);
  add_diagnostic_comparison(runs, blocks);
  section.sections = first_runs(variants, most_points);
  return section;
}

Table verdict_table(const std::vector<Experiment>& experiments) {
  Table table{.caption = "All verdicts",
              .columns = {{"experiment", false},
                          {"variant", false},
                          {"baseline", false},
                          {"expected", false},
                          {"found", false},
                          {"outcome", false}},
              .rows = {}};
  for (const Experiment& experiment : experiments) {
    for (const Comparison& c : experiment.comparisons) {
      table.rows.push_back(
          {experiment.name, c.variant, c.baseline, c.expected, c.verdict, outcome_text(outcome_of(c))});
    }
  }
  return table;
}

}  // namespace sterna::report
