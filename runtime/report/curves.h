// Charts over the steps of a run, thinned so that a page stays small.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/plot/chart.h"
#include "runtime/report/document.h"
#include "runtime/report/run_log.h"
#include "runtime/report/statistics.h"

namespace sterna::report {

// Of a curve.
inline constexpr std::size_t kMostPoints = 300;

// The same of a run's curves on a page that shows several runs: fewer where there are more than five, 40 at
// least.
[[nodiscard]] std::size_t most_points_of(std::size_t runs_on_page);

// How many steps a training curve is averaged over: a fiftieth of the run.
[[nodiscard]] std::size_t smoothing_window(std::size_t steps);

// "mean of the last 94 steps", or "" where nothing is averaged.
[[nodiscard]] std::string smoothing_text(std::size_t window);

[[nodiscard]] plot::Series curve(const std::string& name, const std::vector<double>& x,
                                 const std::vector<double>& y, std::size_t most_points);

// The mean over the runs of a variant, with a band from the smallest to the largest, over the x of the
// longest run; of at most kMostPoints points.
struct RunCurve {
  std::vector<double> x;
  std::vector<double> y;
};
[[nodiscard]] plot::Series curve_over_runs(const std::string& name, const std::vector<RunCurve>& runs);

// Whether numbers that are drawn together want a logarithmic axis: all are positive, and the largest is more
// than ten times the smallest.
[[nodiscard]] bool wants_logarithm(const std::vector<plot::Series>& series);

// One panel, over "step", wide. Nothing if no point can be drawn.
//   is_log  of y
void add_figure(std::vector<Block>& blocks, plot::Chart chart, const std::string& caption);
[[nodiscard]] plot::Chart step_chart(const std::string& title, const std::string& y_label, bool is_log,
                                     std::vector<plot::Series> series);

// Loss and measures over steps, training and test.
void add_training_curves(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks);

}  // namespace sterna::report
