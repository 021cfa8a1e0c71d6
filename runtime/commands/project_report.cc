#include "runtime/commands/project_report.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/plot/chart.h"

namespace sterna::commands {
namespace {

using namespace projection;

std::string text_of(const ProjectedLink& link) {
  if (link.bits_per_second > 0.0) return link_text(link.bits_per_second, link.link.latency_seconds);
  return cat("bytes in no time, ", duration_text(link.link.latency_seconds));
}

void print_line(std::ostream& out, const std::vector<std::string>& cells, std::size_t name_width) {
  constexpr int kNumberWidth = 11;
  out << std::setw(7) << cells[0] << "  " << std::left << std::setw(static_cast<int>(name_width)) << cells[1]
      << std::right;
  for (std::size_t i = 2; i + 1 < cells.size(); ++i) out << std::setw(kNumberWidth) << cells[i];
  out << (cells.back().empty() ? "" : "  ") << cells.back() << "\n";
}

std::vector<std::string> cells_of(const ProjectionRow& row, bool is_first_of_ranks) {
  const Prediction& p = row.prediction;
  return {is_first_of_ranks ? cat(p.ranks) : "",
          row.name,
          duration_text(p.step_seconds),
          duration_text(p.compress_seconds),
          duration_text(p.exchange_seconds),
          duration_text(p.exposed_seconds),
          bytes_text(p.wire_bytes_sent),
          number_text(row.speedup_over_dense, 3) + "x",
          number_text(100.0 * p.scaling_efficiency, 3) + " %",
          row.is_fastest ? "fastest" : ""};
}

// The figure that a plot shows, and how it is called.
struct PlotValue {
  std::string label;
  bool is_y_log;
  double (*of)(const ProjectionRow&);
};

PlotValue plot_value(const std::string& name) {
  if (name == "speedup") {
    return {"speed-up over dense gradients", false,
            [](const ProjectionRow& r) { return r.speedup_over_dense; }};
  }
  if (name == "efficiency") {
    return {"scaling efficiency (%)", false,
            [](const ProjectionRow& r) { return 100.0 * r.prediction.scaling_efficiency; }};
  }
  if (name == "exposed") {
    return {"exposed exchange (ms a step)", true,
            [](const ProjectionRow& r) { return 1e3 * r.prediction.exposed_seconds; }};
  }
  if (name == "bytes") {
    return {"sent by a rank (MB a step)", true,
            [](const ProjectionRow& r) { return 1e-6 * r.prediction.wire_bytes_sent; }};
  }
  return {"step time (ms)", true, [](const ProjectionRow& r) { return 1e3 * r.prediction.step_seconds; }};
}

plot::Panel panel_of(const Projection& projection, std::size_t link, const PlotValue& value) {
  plot::Panel panel{.title = text_of(projection.links[link]), .series = {}};
  for (const ProjectionRow& row : projection.rows) {
    if (row.link != link) continue;
    auto series = std::ranges::find(panel.series, row.name, &plot::Series::name);
    if (series == panel.series.end()) {
      const plot::Series made{.name = row.name, .x = {}, .y = {}, .shape = plot::Shape::kMarkedLine};
      series = panel.series.insert(series, made);
    }
    series->x.push_back(row.prediction.ranks);
    series->y.push_back(value.of(row));
  }
  return panel;
}

}  // namespace

void print_text(std::ostream& out, const Projection& projection) {
  for (const std::string& assumption : projection.assumptions) out << assumption << "\n";
  std::size_t name_width = 12;
  for (const ProjectionRow& row : projection.rows) name_width = std::max(name_width, row.name.size());
  std::optional<std::size_t> link;
  std::uint32_t ranks = 0;
  for (const ProjectionRow& row : projection.rows) {
    if (link != row.link) {
      link = row.link;
      ranks = 0;
      out << "\n" << text_of(projection.links[row.link]);
      out << (projection.links[row.link].is_of_run ? " (as the runs had it)\n" : "\n");
      print_line(out,
                 {"ranks", "compressor", "step", "compress", "exchange", "exposed", "sent/rank", "over dense",
                  "efficiency", ""},
                 name_width);
    }
    print_line(out, cells_of(row, ranks != row.prediction.ranks), name_width);
    ranks = row.prediction.ranks;
  }
}

void print_json(std::ostream& out, const Projection& projection) {
  for (const ProjectionRow& row : projection.rows) {
    const ProjectedLink& link = projection.links[row.link];
    const Prediction& p = row.prediction;
    nlohmann::ordered_json json = {{"run", row.run},
                                   {"model", row.model},
                                   {"name", row.name},
                                   {"compressor", row.compressor},
                                   {"source", row.is_measured ? "measured" : "closed form"}};
    json["rate"] = row.rate ? nlohmann::ordered_json(*row.rate) : nlohmann::ordered_json();
    json["bandwidth_bits_per_second"] =
        link.bits_per_second > 0.0 ? nlohmann::ordered_json(link.bits_per_second) : nlohmann::ordered_json();
    json["latency_seconds"] = link.link.latency_seconds;
    json["message_seconds"] = link.link.message_seconds;
    json["ranks"] = p.ranks;
    json["learners"] = p.learners;
    json["buckets"] = p.buckets;
    json["step_seconds"] = p.step_seconds;
    json["compute_seconds"] = p.compute_seconds;
    json["compress_seconds"] = p.compress_seconds;
    json["exchange_seconds"] = p.exchange_seconds;
    json["exposed_seconds"] = p.exposed_seconds;
    json["wire_bytes_sent"] = p.wire_bytes_sent;
    json["payload_bytes"] = p.payload_bytes;
    json["speedup_over_dense"] = row.speedup_over_dense;
    json["scaling_efficiency"] = p.scaling_efficiency;
    json["is_fastest"] = row.is_fastest;
    out << json.dump() << "\n";
  }
}

std::string to_svg(const Projection& projection, const std::string& value) {
  STERNA_CHECK(projection.rows.empty() == false);
  const PlotValue shown = plot_value(value);
  const bool is_log = shown.is_y_log && std::ranges::all_of(projection.rows, [&](const ProjectionRow& row) {
                        return shown.of(row) > 0.0;
                      });
  plot::Chart chart{.title = cat(projection.rows.front().model, ": what training would take"),
                    .x = {.label = "ranks", .has_ticks_at_points = true},
                    .y = {.label = shown.label, .is_log = is_log, .begins_at_zero = true},
                    .panels = {},
                    .is_file = true};
  for (std::size_t link = 0; link < projection.links.size(); ++link) {
    chart.panels.push_back(panel_of(projection, link, shown));
  }
  return plot::to_svg(chart);
}

}  // namespace sterna::commands
