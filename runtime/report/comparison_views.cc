#include "runtime/report/comparison_views.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/report/cost_views.h"
#include "runtime/report/curves.h"
#include "runtime/report/statistics.h"
#include "runtime/report/verdict.h"

namespace sterna::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kBand = "Mean over seeds, with a band from the smallest to the largest";

// A column of each run's steps or evaluations as one curve a variant, over the places of the longest run.
struct CurvesOverSeeds {
  Columns RunLog::*rows;
  std::string x_key;
  std::string y_key;
  std::size_t window;
};

std::vector<plot::Series> series_of(const std::vector<VariantRuns>& variants, const CurvesOverSeeds& what) {
  std::vector<plot::Series> all;
  for (const VariantRuns& variant : variants) {
    std::vector<RunCurve> curves;
    for (const RunLog& run : variant.runs) {
      const Columns& rows = run.*what.rows;
      if (!rows.has(what.y_key)) continue;
      curves.push_back({.x = rows.at(what.x_key), .y = trailing_mean(rows.at(what.y_key), what.window)});
    }
    if (!curves.empty()) all.push_back(curve_over_runs(variant.name, curves));
  }
  return all;
}

std::size_t most_steps(const std::vector<VariantRuns>& variants) {
  std::size_t steps = 0;
  for (const VariantRuns& variant : variants) {
    for (const RunLog& run : variant.runs) steps = std::max(steps, run.steps.rows());
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

}  // namespace

void add_front(const std::string& measure, bool is_higher_better, const std::vector<FrontMark>& marks,
               const std::string& caption, std::vector<Block>& blocks) {
  plot::Chart chart{
      .title = cat(measure_text(measure), " against bytes"),
      .x = {.label = "payload bytes of a learner a step", .is_log = true, .tick = plain_bytes_text},
      .y = {.label = measure_text(measure)},
      .panels = {{.title = "", .series = {}}},
      .panel_width = 720.0};
  std::vector<Result> results;
  for (const FrontMark& mark : marks) {
    if (!mark.has_diverged) results.push_back({.cost = mark.payload_bytes, .value = mark.value});
    chart.panels[0].series.push_back({.name = mark.name,
                                      .x = {mark.payload_bytes},
                                      .y = {mark.value},
                                      .low = {mark.low},
                                      .high = {mark.high},
                                      .shape = plot::Shape::kMarks});
  }
  plot::Series front{.name = "Pareto front", .x = {}, .y = {}, .shape = plot::Shape::kReference};
  for (const std::size_t place : pareto_front(results, is_higher_better)) {
    front.x.push_back(results[place].cost);
    front.y.push_back(results[place].value);
  }
  chart.panels[0].series.push_back(std::move(front));
  add_figure(
      blocks, std::move(chart),
      cat(caption, " The dashed line joins the Pareto front: the variants that no other one beats in both ",
          "bytes and mean, intervals aside",
          results.size() < marks.size() ? "; those with runs that diverged are not on it." : "."));
}

void add_loss_curves(const std::vector<VariantRuns>& variants, std::vector<Block>& blocks) {
  const std::size_t window = smoothing_window(most_steps(variants));
  std::vector<plot::Series> series =
      series_of(variants, {.rows = &RunLog::steps, .x_key = "step", .y_key = "loss", .window = window});
  const bool is_cut = cut_off_runaways(series);
  const bool is_log = wants_logarithm(series);
  add_figure(blocks, step_chart("Training loss", "loss", is_log, std::move(series)),
             cat(kBand, smoothing_text(window), ".",
                 is_cut ? " A curve ends where it exceeds three times the largest first loss." : ""));
}

void add_measure_curves(const std::string& measure, const std::vector<VariantRuns>& variants,
                        std::vector<Block>& blocks) {
  bool is_by_epoch = true;
  for (const VariantRuns& variant : variants) {
    for (const RunLog& run : variant.runs) {
      const std::vector<double> epochs = run.epochs.at("epoch");
      is_by_epoch =
          is_by_epoch && std::ranges::adjacent_find(epochs, std::ranges::greater_equal()) == epochs.end();
    }
  }
  const std::string label = measure_text(measure);
  std::vector<plot::Series> series = series_of(
      variants,
      {.rows = &RunLog::epochs, .x_key = is_by_epoch ? "epoch" : "step", .y_key = measure, .window = 1});
  for (plot::Series& s : series) s.shape = plot::Shape::kMarkedLine;
  plot::Chart chart = step_chart(label, label, false, std::move(series));
  if (is_by_epoch) chart.x.label = "epochs completed";
  add_figure(blocks, std::move(chart), cat(kBand, "."));
}

void add_step_costs(const std::vector<VariantRuns>& variants, std::vector<Block>& blocks) {
  std::vector<StepCost> costs;
  for (const VariantRuns& variant : variants) {
    if (!variant.runs.empty() && variant.runs.front().get().steps.rows() > 0)
      costs.push_back(cost_of(variant.name, variant.runs.front().get().steps));
  }
  add_cost_views(costs, blocks);
}

}  // namespace sterna::report
