#include "runtime/report/layer_views.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/plot/bar_chart.h"
#include "runtime/report/curves.h"
#include "runtime/report/statistics.h"

namespace sterna::report {
namespace {

constexpr std::size_t kMostCurves = 7;
constexpr std::size_t kMostBars = 30;
constexpr double kDenseBytes = 4.0;  // of an element

std::string rate_text(double elements, double payload_bytes) {
  return payload_bytes > 0.0 ? digits_text(kDenseBytes * elements / payload_bytes, 3) : "not known";
}

std::vector<Column> layer_columns() {
  return {
      {"layer", false}, {"kind", false}, {"elements"}, {"sent by learner 0"}, {"payload bytes of a learner"},
      {"rate"}};
}

std::vector<std::string> row_of_all(const RunLog& run) {
  double elements = 0.0;
  for (const Parameter& parameter : run.parameters) elements += parameter.elements;
  const double payload = settled_median(run.steps.at("payload_bytes"));
  return {"all layers",           "",
          grouped_text(elements), grouped_text(settled_median(run.steps.at("elements_sent"))),
          grouped_text(payload),  rate_text(elements, payload)};
}

bool is_compressed(const RunLog& run, const std::string& name) {
  const auto found = std::ranges::find(run.parameters, name, &Parameter::name);
  return found != run.parameters.end() && found->is_compressed;
}

// A row for each kind of which several layers are compressed: the papers tell rates by kind.
std::vector<std::vector<std::string>> rows_of_kinds(const RunLog& run) {
  struct Kind {
    std::string name;
    std::size_t layers = 0;
    double elements = 0.0;
    double sent = 0.0;
    double payload_bytes = 0.0;
  };
  std::vector<Kind> kinds;
  for (const LayerLog& layer : run.layers) {
    if (!is_compressed(run, layer.name)) continue;
    auto kind = std::ranges::find(kinds, layer.kind, &Kind::name);
    if (kind == kinds.end()) kind = kinds.insert(kind, {.name = layer.kind});
    ++kind->layers;
    kind->elements += layer.elements;
    kind->sent += settled_median(layer.rows.at("elements_sent"));
    kind->payload_bytes += settled_median(layer.rows.at("payload_bytes"));
  }
  std::vector<std::vector<std::string>> rows;
  for (const Kind& kind : kinds) {
    if (kind.layers < 2) continue;
    rows.push_back({cat("all ", kind.layers, " compressed"), kind.name, grouped_text(kind.elements),
                    grouped_text(kind.sent), grouped_text(kind.payload_bytes),
                    rate_text(kind.elements, kind.payload_bytes)});
  }
  return rows;
}

Table logged_table(const RunLog& run) {
  Table table{.caption = "Layers: medians over the logged steps after their first tenth",
              .columns = layer_columns(),
              .rows = {}};
  for (const LayerLog& layer : run.layers) {
    const double payload = settled_median(layer.rows.at("payload_bytes"));
    table.rows.push_back({layer.name, layer.kind, grouped_text(layer.elements),
                          grouped_text(settled_median(layer.rows.at("elements_sent"))), grouped_text(payload),
                          rate_text(layer.elements, payload)});
  }
  for (std::vector<std::string>& row : rows_of_kinds(run)) table.rows.push_back(std::move(row));
  table.rows.push_back(row_of_all(run));
  return table;
}

// A dense layer's bytes are known; what each of the others sends is not.
Table unlogged_table(const RunLog& run) {
  Table table{.caption = "Layers; --log-layers would tell what each of the compressed ones sends",
              .columns = layer_columns(),
              .rows = {}};
  for (const Parameter& parameter : run.parameters) {
    std::vector<std::string> row = {parameter.name, parameter.kind, grouped_text(parameter.elements)};
    if (parameter.is_compressed) {
      row.insert(row.end(), 3, "compressed");
    } else {
      row.insert(row.end(),
                 {grouped_text(parameter.elements), grouped_text(kDenseBytes * parameter.elements), "1.00"});
    }
    table.rows.push_back(std::move(row));
  }
  table.rows.push_back(row_of_all(run));
  return table;
}

void add_byte_bars(const RunLog& run, std::vector<Block>& blocks) {
  plot::BarChart chart{.title = "Payload bytes of a step, by layer",
                       .label = "payload of a learner",
                       .tick = plain_bytes_text,
                       .part_names = {"payload"},
                       .bars = {}};
  for (const LayerLog& layer : run.layers) {
    const double bytes = settled_median(layer.rows.at("payload_bytes"));
    if (bytes > 0.0) chart.bars.push_back({.name = layer.name, .parts = {bytes}});
  }
  const std::size_t all = chart.bars.size();
  if (all == 0) return;
  if (all > kMostBars) {
    std::ranges::stable_sort(chart.bars, std::ranges::greater(),
                             [](const plot::Bar& bar) { return bar.parts[0]; });
    chart.bars.resize(kMostBars);
  }
  const std::string left_out = all > kMostBars ? cat("; the ", kMostBars, " largest of ", all) : "";
  blocks.push_back(
      Figure{.svg = plot::to_svg(chart), .caption = cat("Medians over the logged steps", left_out, ".")});
}

// L_T of the layer where the run's compressor has bins, else nothing.
double bin_elements(const RunLog& run, const LayerLog& layer) {
  const std::string compressor = run.setting("compressor");
  if (compressor != "adacomp" && compressor != "ls") return 0.0;
  const std::string text = run.setting(layer.kind == "convolution" ? "bin-conv" : "bin-fc");
  double elements = 0.0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), elements);
  return error == std::errc() ? elements : 0.0;
}

// As the diagnostics say, or what layers.jsonl says of elements by the number of bins.
plot::Series bin_curve(const RunLog& run, const LayerLog& layer, std::size_t most_points) {
  if (layer.rows.has("elements_per_bin")) {
    return curve(layer.name, layer.rows.at("step"), layer.rows.at("elements_per_bin"), most_points);
  }
  const double bins = std::ceil(layer.elements / bin_elements(run, layer));
  std::vector<double> sent = layer.rows.at("elements_sent");
  for (double& elements : sent) elements /= bins;
  return curve(layer.name, layer.rows.at("step"), sent, most_points);
}

void add_bins(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks) {
  std::vector<LayerLog> binned = run.diagnostics;
  std::erase_if(binned, [](const LayerLog& layer) { return !layer.rows.has("elements_per_bin"); });
  if (binned.empty()) {
    binned = run.layers;
    std::erase_if(binned, [&](const LayerLog& layer) {
      return !is_compressed(run, layer.name) || !(bin_elements(run, layer) > 0.0);
    });
  }
  if (binned.empty()) return;
  std::vector<plot::Series> series;
  for (const LayerLog* layer : drawn_layers(binned, {"elements_per_bin", "elements_sent"})) {
    series.push_back(bin_curve(run, *layer, most_points));
  }
  const std::string caption =
      cat("Learner 0's, the mean over all bins", drawn_text(series.size(), binned.size()), ".");
  add_figure(blocks, step_chart("Elements sent in a bin", "elements", false, std::move(series)), caption);
}

}  // namespace

std::vector<const LayerLog*> drawn_layers(const std::vector<LayerLog>& layers,
                                          const std::vector<std::string>& keys) {
  std::vector<const LayerLog*> drawn;
  for (const LayerLog& layer : layers) {
    if (std::ranges::any_of(keys, [&](const std::string& key) { return layer.rows.has(key); })) {
      drawn.push_back(&layer);
    }
  }
  if (drawn.size() <= kMostCurves) return drawn;
  std::ranges::stable_sort(drawn, std::ranges::greater(), &LayerLog::elements);
  drawn.resize(kMostCurves);
  std::ranges::sort(drawn);  // they lie in one vector, in the model's order
  return drawn;
}

std::string drawn_text(std::size_t drawn, std::size_t all) {
  return drawn < all ? cat("; ", drawn, " of ", all, " layers, the largest that have it") : "";
}

void add_gradients_and_residues(const std::vector<LayerLog>& layers, const GradientsAndResidues& what,
                                std::size_t most_points, std::vector<Block>& blocks) {
  plot::Chart chart{.title = what.title,
                    .x = {.label = "step"},
                    .y = {.label = what.y_label, .is_log = true},
                    .panels = {{.title = "gradient", .series = {}}, {.title = "residue", .series = {}}}};
  const std::vector<const LayerLog*> drawn = drawn_layers(layers, {what.gradient_key, what.residue_key});
  for (const LayerLog* layer : drawn) {
    const std::vector<double> step = layer->rows.at("step");
    chart.panels[0].series.push_back(
        curve(layer->name, step, layer->rows.at(what.gradient_key), most_points));
    chart.panels[1].series.push_back(curve(layer->name, step, layer->rows.at(what.residue_key), most_points));
  }
  add_figure(blocks, std::move(chart), cat(what.caption, drawn_text(drawn.size(), layers.size()), "."));
}

void add_layer_views(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks) {
  if (run.layers.empty()) {
    blocks.emplace_back(unlogged_table(run));
  } else {
    blocks.emplace_back(logged_table(run));
    add_byte_bars(run, blocks);
  }
  add_bins(run, most_points, blocks);
  if (!run.diagnostics.empty()) return;
  add_gradients_and_residues(run.layers,
                             {.title = "Norms by layer",
                              .y_label = "L2 norm, learner 0",
                              .gradient_key = "gradient_norm",
                              .residue_key = "residue_norm",
                              .caption = "What is 0, as the residue of a dense layer, is not drawn"},
                             most_points, blocks);
}

}  // namespace sterna::report
