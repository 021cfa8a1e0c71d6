#include "runtime/report/diagnostic_views.h"

#include <algorithm>

#include "runtime/core/errors.h"
#include "runtime/report/curves.h"
#include "runtime/report/layer_views.h"
#include "runtime/report/statistics.h"

namespace sterna::report {
namespace {

constexpr std::size_t kMostPanels = 6;

// A line a layer.
void add_layer_curves(const RunLog& run, const DiagnosticMeasure& what, std::size_t most_points,
                      std::vector<Block>& blocks) {
  std::vector<plot::Series> series;
  for (const LayerLog* layer : drawn_layers(run.diagnostics, {what.key})) {
    series.push_back(curve(layer->name, layer->rows.at("step"), layer->rows.at(what.key), most_points));
  }
  if (series.empty()) return;
  const std::string left_out = drawn_text(series.size(), run.diagnostics.size());
  plot::Chart chart = step_chart(what.title, what.y_label, false, std::move(series));
  chart.y.begins_at_zero = true;
  add_figure(blocks, std::move(chart), cat(what.caption, left_out, "."));
}

// A line of one panel: a key, maybe over another one.
struct PanelLine {
  std::string name;
  std::string key;
  plot::Shape shape = plot::Shape::kLine;
};

// A panel a layer, in which several keys are compared.
//   divisor  the key that all are divided by; "": none
void add_layer_panels(const RunLog& run, plot::Chart chart, const std::vector<PanelLine>& lines,
                      const std::string& divisor, const std::string& caption, std::size_t most_points,
                      std::vector<Block>& blocks) {
  std::vector<const LayerLog*> drawn = drawn_layers(run.diagnostics, {lines.front().key});
  if (drawn.size() > kMostPanels) drawn.resize(kMostPanels);
  for (const LayerLog* layer : drawn) {
    plot::Panel panel{.title = layer->name, .series = {}};
    for (const PanelLine& line : lines) {
      if (!layer->rows.has(line.key)) continue;
      std::vector<double> values = layer->rows.at(line.key);
      if (!divisor.empty()) values = divided(std::move(values), layer->rows.at(divisor));
      panel.series.push_back(curve(line.name, layer->rows.at("step"), values, most_points));
      panel.series.back().shape = line.shape;
    }
    chart.panels.push_back(std::move(panel));
  }
  add_figure(blocks, std::move(chart), cat(caption, drawn_text(drawn.size(), run.diagnostics.size()), "."));
}

void add_contraction(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks) {
  add_layer_panels(
      run,
      {.title = "Contraction: what part of the learners' mean a step leaves unsent",
       .x = {.label = "step"},
       .y = {.label = "part of the squared norm", .begins_at_zero = true},
       .panels = {}},
      {{"this run", "contraction"},
       {"the exact top k of the mean", "top_k_contraction"},
       {"bound (ScaleCom, lemma 1)", "contraction_bound", plot::Shape::kReference}},
      "",
      "||y - sent||^2 / ||y||^2 of y, the mean over learners of residue and gradient; lower is better, and "
      "a method with the contraction property stays below its bound",
      most_points, blocks);
}

void add_build_up(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks) {
  add_layer_panels(run,
                   {.title = "Gradient build-up: indices of all learners together",
                    .x = {.label = "step"},
                    .y = {.label = "times those of one learner", .begins_at_zero = true},
                    .panels = {}},
                   {{"this run", "union_elements"}, {"had each sent its own top k", "local_top_k_union"}},
                   "elements_sent",
                   cat("Distinct indices by the number that learner 0 sends: 1 where all choose alike, ",
                       run.learners, " where no two do and all send as many as learner 0"),
                   most_points, blocks);
}

// Each layer's residue of one learner against the mean residue, level by level, at the last diagnosed step.
void add_quantiles(const RunLog& run, std::vector<Block>& blocks) {
  std::vector<plot::Series> series;
  double low = 0.0;
  double high = 0.0;
  const std::vector<const LayerLog*> drawn = drawn_layers(run.diagnostics, {"residue_p95"});
  for (const LayerLog* layer : drawn) {
    const std::vector<double>& x = layer->mean_residue_quantiles;
    const std::vector<double>& y = layer->residue_quantiles;
    if (x.empty() || x.size() != y.size()) continue;
    series.push_back({.name = layer->name, .x = x, .y = y, .shape = plot::Shape::kMarkedLine});
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!(x[i] > 0.0) || !(y[i] > 0.0)) continue;  // not drawn
      if (low == 0.0 || x[i] < low) low = x[i];
      high = std::max(high, x[i]);
    }
  }
  if (!(high > 0.0)) return;
  series.push_back({.name = "equal", .x = {low, high}, .y = {low, high}, .shape = plot::Shape::kReference});
  plot::Chart chart = step_chart("Quantiles of a residue against the mean residue", "|residue of learner 0|",
                                 true, std::move(series));
  chart.x = {.label = "|mean residue over learners|", .is_log = true};
  add_figure(blocks, std::move(chart),
             cat("A mark for each of the levels 1, 5, 10, 25, 50, 75, 90, 95, 99 and 99.9 %, at the last "
                 "diagnosed step: "
                 "the closer to the dashed line, the more alike are learners' residues",
                 drawn_text(drawn.size(), run.diagnostics.size()), "."));
}

}  // namespace

void add_diagnostic_views(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks) {
  if (run.diagnostics.empty()) return;
  add_gradients_and_residues(
      run.diagnostics,
      {.title = "95th percentile of magnitudes",
       .y_label = "magnitude, learner 0",
       .gradient_key = "gradient_p95",
       .residue_key = "residue_p95",
       .caption = "19 of 20 elements are no larger: a residue that grows without end would show here"},
      most_points, blocks);
  add_layer_curves(run, kCosineDistance, most_points, blocks);
  add_layer_curves(run, kHammingDistance, most_points, blocks);
  add_contraction(run, most_points, blocks);
  add_build_up(run, most_points, blocks);
  add_quantiles(run, blocks);
}

}  // namespace sterna::report
