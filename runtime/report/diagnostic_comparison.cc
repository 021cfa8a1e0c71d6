#include "runtime/report/diagnostic_comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/core/errors.h"
#include "runtime/report/curves.h"
#include "runtime/report/diagnostic_views.h"
#include "runtime/report/statistics.h"

namespace sterna::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostTables = 3;

// A column of diagnostics.jsonl, maybe over another one.
struct Key {
  std::string key;
  std::string divisor = "";
};

std::vector<double> values_of(const Columns& rows, const Key& key) {
  return key.divisor.empty() ? rows.at(key.key) : divided(rows.at(key.key), rows.at(key.divisor));
}

const LayerLog* find_layer(const RunLog& run, const std::string& name) {
  const auto found = std::ranges::find(run.diagnostics, name, &LayerLog::name);
  return found == run.diagnostics.end() ? nullptr : &*found;
}

// Layers that two variants have or more, the largest first.
std::vector<const LayerLog*> shared_layers(const std::vector<VariantRuns>& variants) {
  std::vector<const LayerLog*> shared;
  for (const VariantRuns& variant : variants) {
    if (variant.runs.empty()) continue;
    for (const LayerLog& layer : variant.runs.front().get().diagnostics) {
      const auto has = [&](const VariantRuns& other) {
        return !other.runs.empty() && find_layer(other.runs.front(), layer.name) != nullptr;
      };
      const bool is_new = std::ranges::find(shared, layer.name, &LayerLog::name) == shared.end();
      if (is_new && std::ranges::count_if(variants, has) >= 2) shared.push_back(&layer);
    }
  }
  std::ranges::stable_sort(shared, std::ranges::greater(), &LayerLog::elements);
  return shared;
}

// The mean over seeds of each run's median after its first tenth; NaN where no run has the key.
double typical(const VariantRuns& variant, const std::string& layer_name, const Key& key) {
  double sum = 0.0;
  int runs = 0;
  for (const RunLog& run : variant.runs) {
    const LayerLog* const layer = find_layer(run, layer_name);
    if (layer == nullptr) continue;
    const double median = settled_median(values_of(layer->rows, key));
    if (std::isnan(median)) continue;
    sum += median;
    ++runs;
  }
  return runs == 0 ? kNan : sum / runs;
}

struct TableColumn {
  std::string title;
  Key key;
  bool is_count = false;
};

const std::vector<TableColumn>& table_columns() {
  static const std::vector<TableColumn> columns = {
      {"sent by learner 0", {"elements_sent"}, true},
      {"in a bin", {"elements_per_bin"}},
      {"sent by one or more learners", {"union_elements"}, true},
      {"p95 of |gradient|", {"gradient_p95"}},
      {"p95 of |residue|", {"residue_p95"}},
      {"cosine distance", {"cosine_distance"}},
      {"Hamming distance", {"hamming_distance"}},
      {"contraction", {"contraction"}},
      {"its bound", {"contraction_bound"}},
  };
  return columns;
}

Table table_of(const std::vector<VariantRuns>& variants, const LayerLog& layer) {
  Table table{.caption = cat("Diagnostics of ", layer.name, ", ", grouped_text(layer.elements),
                             " elements: means over seeds of medians after the first tenth of the steps"),
              .columns = {{"variant", false}},
              .rows = {}};
  std::vector<const VariantRuns*> shown;
  for (const VariantRuns& variant : variants) {
    if (std::isnan(typical(variant, layer.name, {"elements_sent"}))) continue;
    shown.push_back(&variant);
    table.rows.push_back({variant.name});
  }
  for (const TableColumn& column : table_columns()) {
    std::vector<double> values;
    for (const VariantRuns* variant : shown) values.push_back(typical(*variant, layer.name, column.key));
    if (std::ranges::all_of(values, [](double value) { return std::isnan(value); })) continue;
    table.columns.push_back({column.title});
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string text = column.is_count ? grouped_text(values[i]) : digits_text(values[i], 3);
      table.rows[i].push_back(std::isnan(values[i]) ? "" : text);
    }
  }
  return table;
}

struct ComparedCurves {
  std::string title;
  std::string y_label;
  Key key;
  bool may_be_log = false;  // else y begins at zero
  std::string caption;
};

ComparedCurves compared(const DiagnosticMeasure& measure) {
  return {.title = measure.title,
          .y_label = measure.y_label,
          .key = {measure.key},
          .may_be_log = false,
          .caption = measure.caption};
}

void add_curves(const std::vector<VariantRuns>& variants, const std::string& layer_name,
                const ComparedCurves& what, std::vector<Block>& blocks) {
  std::vector<plot::Series> series;
  for (const VariantRuns& variant : variants) {
    std::vector<RunCurve> curves;
    for (const RunLog& run : variant.runs) {
      const LayerLog* const layer = find_layer(run, layer_name);
      if (layer == nullptr || !layer->rows.has(what.key.key)) continue;
      curves.push_back({.x = layer->rows.at("step"), .y = values_of(layer->rows, what.key)});
    }
    if (!curves.empty()) series.push_back(curve_over_runs(variant.name, curves));
  }
  if (series.empty()) return;
  const bool is_log = what.may_be_log && wants_logarithm(series);
  plot::Chart chart = step_chart(cat(what.title, ", ", layer_name), what.y_label, is_log, std::move(series));
  chart.y.begins_at_zero = !what.may_be_log;
  add_figure(blocks, std::move(chart),
             cat("Mean over seeds, with a band from the smallest to the largest. ", what.caption, "."));
}

}  // namespace

void add_diagnostic_comparison(const std::vector<VariantRuns>& variants, std::vector<Block>& blocks) {
  std::vector<const LayerLog*> layers = shared_layers(variants);
  if (layers.empty()) return;
  const std::string& largest = layers.front()->name;
  if (layers.size() > kMostTables) layers.resize(kMostTables);
  for (const LayerLog* layer : layers) blocks.emplace_back(table_of(variants, *layer));
  const std::vector<ComparedCurves> all = {
      {"95th percentile of a residue",
       "|residue|, learner 0",
       {"residue_p95"},
       true,
       "19 of 20 elements of learner 0's residue are no larger; one that grows without end precedes "
       "divergence"},
      {"95th percentile of a gradient",
       "|gradient|, learner 0",
       {"gradient_p95"},
       true,
       "What the residue is to be held against"},
      compared(kCosineDistance),
      compared(kHammingDistance),
      {"Contraction",
       "part of the squared norm",
       {"contraction"},
       false,
       "What part of the learners' mean a step leaves unsent; lower is better"},
      {"Gradient build-up",
       "times those of learner 0",
       {"union_elements", "elements_sent"},
       false,
       "Distinct elements that all learners send together, by the number that learner 0 sends"},
  };
  for (const ComparedCurves& what : all) add_curves(variants, largest, what, blocks);
}

}  // namespace sterna::report
