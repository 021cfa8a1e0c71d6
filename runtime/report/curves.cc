#include "runtime/report/curves.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::report {
namespace {

bool has_point(const plot::Chart& chart) {
  return std::ranges::any_of(chart.panels, [](const plot::Panel& panel) {
    return std::ranges::any_of(panel.series, [](const plot::Series& series) {
      return std::ranges::any_of(series.y, [](double y) { return std::isfinite(y); });
    });
  });
}

template <typename Value>
std::vector<Value> chosen(const std::vector<Value>& values, const std::vector<std::size_t>& places) {
  std::vector<Value> result;
  for (const std::size_t place : places) result.push_back(values[place]);
  return result;
}

// A column of steps.jsonl, and the one of epochs.jsonl that is the same on test data.
void add_pair(const RunLog& run, const std::string& title, const std::string& step_key,
              const std::string& test_key, std::size_t most_points, std::vector<Block>& blocks) {
  const std::size_t window = smoothing_window(run.steps.rows());
  std::vector<plot::Series> series;
  if (run.steps.has(step_key)) {
    series.push_back(
        curve("training", run.steps.at("step"), trailing_mean(run.steps.at(step_key), window), most_points));
  }
  if (run.epochs.has(test_key)) {
    series.push_back(curve("test", run.epochs.at("step"), run.epochs.at(test_key), most_points));
    series.back().shape = plot::Shape::kMarkedLine;
  }
  if (series.empty()) return;
  const bool is_log = step_key == "loss" && wants_logarithm(series);
  add_figure(blocks, step_chart(title, title, is_log, series),
             cat(title, " by step", run.steps.has(step_key) ? smoothing_text(window) : "", "."));
}

}  // namespace

std::size_t most_points_of(std::size_t runs_on_page) {
  constexpr std::size_t kPointsOfAll = 1500;
  return std::clamp<std::size_t>(kPointsOfAll / std::max<std::size_t>(1, runs_on_page), 40, kMostPoints);
}

std::size_t smoothing_window(std::size_t steps) {
  return std::max<std::size_t>(1, steps / 50);
}

std::string smoothing_text(std::size_t window) {
  return window < 2 ? "" : cat("; of training the mean of the last ", window, " steps");
}

plot::Series curve(const std::string& name, const std::vector<double>& x, const std::vector<double>& y,
                   std::size_t most_points) {
  const std::vector<std::size_t> places = thinned(x.size(), most_points);
  return {.name = name, .x = chosen(x, places), .y = chosen(y, places)};
}

plot::Series curve_over_runs(const std::string& name, const std::vector<RunCurve>& runs) {
  std::vector<double> x;
  std::vector<std::vector<double>> curves;
  for (const RunCurve& run : runs) {
    if (run.x.size() > x.size()) x = run.x;
    curves.push_back(run.y);
  }
  const Band band = band_of(curves);
  const std::vector<std::size_t> places = thinned(x.size(), kMostPoints);
  return {.name = name,
          .x = chosen(x, places),
          .y = chosen(band.mean, places),
          .low = chosen(band.low, places),
          .high = chosen(band.high, places)};
}

bool wants_logarithm(const std::vector<plot::Series>& series) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0.0;
  for (const plot::Series& s : series) {
    for (const double y : s.y) {
      if (!std::isfinite(y)) continue;
      low = std::min(low, y);
      high = std::max(high, y);
    }
  }
  return low > 0.0 && high > 10.0 * low;
}

void add_figure(std::vector<Block>& blocks, plot::Chart chart, const std::string& caption) {
  if (has_point(chart)) blocks.push_back(Figure{.svg = plot::to_svg(chart), .caption = caption});
}

plot::Chart step_chart(const std::string& title, const std::string& y_label, bool is_log,
                       std::vector<plot::Series> series) {
  return {.title = title,
          .x = {.label = "step"},
          .y = {.label = y_label, .is_log = is_log},
          .panels = {{.title = "", .series = std::move(series)}},
          .panel_width = 720.0};
}

void add_training_curves(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks) {
  add_pair(run, "loss", "loss", "test_loss", most_points, blocks);
  add_pair(run, "accuracy", "accuracy", "test_accuracy", most_points, blocks);
  add_pair(run, "BLEU", "", "test_bleu", most_points, blocks);
}

}  // namespace sterna::report
