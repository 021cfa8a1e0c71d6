#include "runtime/report/experiment_section.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/report/cost_views.h"
#include "runtime/report/curves.h"
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

void add_front(const Experiment& experiment, std::vector<Block>& blocks) {
  plot::Chart chart{
      .title = cat(measure_text(experiment.measure), " against bytes"),
      .x = {.label = "payload bytes of a learner a step", .is_log = true, .tick = plain_bytes_text},
      .y = {.label = measure_text(experiment.measure)},
      .panels = {{.title = "", .series = {}}},
      .panel_width = 720.0};
  std::vector<Result> results;
  bool has_diverged = false;
  for (const Variant& v : experiment.variants) {
    const Result result{.cost = v.payload_bytes.value_or(kNan), .value = value_of(v)};
    // A mean of the runs that did not diverge says too much of a variant.
    if (v.count("diverged") == 0) results.push_back(result);
    has_diverged = has_diverged || v.count("diverged") > 0;
    chart.panels[0].series.push_back({.name = v.name,
                                      .x = {result.cost},
                                      .y = {result.value},
                                      .low = {v.low.value_or(kNan)},
                                      .high = {v.high.value_or(kNan)},
                                      .shape = plot::Shape::kMarks});
  }
  plot::Series front{.name = "Pareto front", .x = {}, .y = {}, .shape = plot::Shape::kReference};
  for (const std::size_t place : pareto_front(results, experiment.is_higher_better)) {
    front.x.push_back(results[place].cost);
    front.y.push_back(results[place].value);
  }
  chart.panels[0].series.push_back(std::move(front));
  add_figure(blocks, std::move(chart),
             cat("Means over seeds, with 95 % intervals. The dashed line joins the Pareto front: the "
                 "variants that no "
                 "other one beats in both bytes and mean, intervals aside",
                 has_diverged ? "; those with runs that diverged are not on it." : "."));
}

// A column of each run's steps or evaluations as one curve a variant, over the places of the longest run.
struct CurvesOverSeeds {
  Columns RunLog::*rows;
  std::string x_key;
  std::string y_key;
  std::size_t window;
};

std::vector<plot::Series> series_of(const std::vector<LoggedVariant>& variants, const CurvesOverSeeds& what) {
  std::vector<plot::Series> all;
  for (const LoggedVariant& logged : variants) {
    std::vector<RunCurve> curves;
    for (const RunLog& run : logged.runs) {
      const Columns& rows = run.*what.rows;
      if (!rows.has(what.y_key)) continue;
      curves.push_back({.x = rows.at(what.x_key), .y = trailing_mean(rows.at(what.y_key), what.window)});
    }
    if (!curves.empty()) all.push_back(curve_over_runs(logged.variant.name, curves));
  }
  return all;
}

std::size_t most_steps(const std::vector<LoggedVariant>& variants) {
  std::size_t steps = 0;
  for (const LoggedVariant& logged : variants) {
    for (const RunLog& run : logged.runs) steps = std::max(steps, run.steps.rows());
  }
  return steps;
}

// A loss that runs away would leave no room for the others: curves end where they exceed three times the
// largest first value. Returns whether one did.
bool cut_off_runaways(std::vector<plot::Series>& series) {
  constexpr double kMostRise = 3.0;
  double first = 0.0;
  for (const plot::Series& s : series) {
    if (!s.y.empty() && std::isfinite(s.y.front())) first = std::max(first, s.y.front());
  }
  bool is_cut = false;
  for (plot::Series& s : series) {
    bool is_beyond = false;
    for (std::size_t i = 0; i < s.y.size(); ++i) {
      is_beyond = is_beyond || s.y[i] > kMostRise * first || s.high[i] > kMostRise * first;
      if (!is_beyond) continue;
      is_cut = is_cut || std::isfinite(s.y[i]);
      s.y[i] = s.low[i] = s.high[i] = kNan;
    }
  }
  return is_cut;
}

void add_loss(const std::vector<LoggedVariant>& variants, std::vector<Block>& blocks) {
  const std::size_t window = smoothing_window(most_steps(variants));
  std::vector<plot::Series> series =
      series_of(variants, {.rows = &RunLog::steps, .x_key = "step", .y_key = "loss", .window = window});
  const bool is_cut = cut_off_runaways(series);
  const bool is_log = wants_logarithm(series);
  add_figure(blocks, step_chart("Training loss", "loss", is_log, std::move(series)),
             cat("Mean over seeds, with a band from the smallest to the largest", smoothing_text(window), ".",
                 is_cut ? " A curve ends where it exceeds three times the largest first loss." : ""));
}

// Over epochs where each evaluation completes one more, else over steps.
void add_measure(const Experiment& experiment, const std::vector<LoggedVariant>& variants,
                 std::vector<Block>& blocks) {
  bool is_by_epoch = true;
  for (const LoggedVariant& logged : variants) {
    for (const RunLog& run : logged.runs) {
      const std::vector<double> epochs = run.epochs.at("epoch");
      is_by_epoch =
          is_by_epoch && std::ranges::adjacent_find(epochs, std::ranges::greater_equal()) == epochs.end();
    }
  }
  const std::string measure = measure_text(experiment.measure);
  std::vector<plot::Series> series = series_of(variants, {.rows = &RunLog::epochs,
                                                          .x_key = is_by_epoch ? "epoch" : "step",
                                                          .y_key = experiment.measure,
                                                          .window = 1});
  for (plot::Series& s : series) s.shape = plot::Shape::kMarkedLine;
  plot::Chart chart = step_chart(measure, measure, false, std::move(series));
  if (is_by_epoch) chart.x.label = "epochs completed";
  add_figure(blocks, std::move(chart), "Mean over seeds, with a band from the smallest to the largest.");
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
  add_front(experiment, blocks);
  add_loss(variants, blocks);
  add_measure(experiment, variants, blocks);
  std::vector<StepCost> costs;
  for (const LoggedVariant& logged : variants) {
    if (!logged.runs.empty() && logged.runs.front().steps.rows() > 0) {
      costs.push_back(cost_of(logged.variant.name, logged.runs.front().steps));
    }
  }
  add_cost_views(costs, blocks);
  std::vector<VariantRuns> diagnosed;
  for (const LoggedVariant& logged : variants) diagnosed.push_back({logged.variant.name, logged.runs});
  add_diagnostic_comparison(diagnosed, blocks);
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
