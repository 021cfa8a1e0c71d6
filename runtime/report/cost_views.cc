#include "runtime/report/cost_views.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/plot/bar_chart.h"
#include "runtime/report/statistics.h"

namespace sterna::report {
namespace {

constexpr std::array kKinds = {"value_bytes",   "index_bytes",     "header_bytes",
                               "padding_bytes", "forwarded_bytes", "control_bytes"};

double known_or_zero(double value) {
  return std::isfinite(value) ? value : 0.0;
}

std::string milliseconds(double seconds) {
  return digits_text(1e3 * seconds, 3);
}

// What of compressing was hidden is not logged: it is taken to be the same part as of the exchange.
std::vector<double> visible_compression(const Columns& steps) {
  const std::vector<double> compress = steps.at("compress_seconds");
  const std::vector<double> exchange = steps.at("exchange_seconds");
  const std::vector<double> exposed = steps.at("exposed_seconds");
  std::vector<double> visible;
  for (std::size_t i = 0; i < compress.size(); ++i) {
    visible.push_back(compress[i] * (exchange[i] > 0.0 ? exposed[i] / exchange[i] : 1.0));
  }
  return visible;
}

std::vector<double> rest_of(const Columns& steps, const std::vector<double>& compress) {
  const std::vector<double> step = steps.at("step_seconds");
  const std::vector<double> compute = steps.at("compute_seconds");
  const std::vector<double> exposed = steps.at("exposed_seconds");
  std::vector<double> rest;
  for (std::size_t i = 0; i < step.size(); ++i) {
    rest.push_back(std::max(0.0, step[i] - compute[i] - exposed[i] - compress[i]));
  }
  return rest;
}

// Where one process hosts all learners nothing is on the wire, and there is no column for it.
Table table_of(const std::vector<StepCost>& costs) {
  Table table{
      .caption =
          "A step: milliseconds by part, and bytes; each is a median of its own, after the first tenth "
          "of the steps, so that parts need not add up",
      .columns = {{"run", false},
                  {"step"},
                  {"compute"},
                  {"compress"},
                  {"exchange exposed"},
                  {"rest"},
                  {"payload bytes of a learner"},
                  {"rate"}},
      .rows = {}};
  const bool is_on_wire =
      std::ranges::any_of(costs, [](const StepCost& c) { return c.wire_bytes_sent > 0.0; });
  if (is_on_wire) table.columns.push_back({"wire bytes sent by rank 0"});
  for (const StepCost& c : costs) {
    table.rows.push_back({c.name, milliseconds(c.step_seconds), milliseconds(c.compute_seconds),
                          milliseconds(c.compress_seconds), milliseconds(c.exposed_seconds),
                          milliseconds(c.rest_seconds), grouped_text(c.payload_bytes),
                          digits_text(c.compression_rate, 3)});
    if (is_on_wire) table.rows.back().push_back(grouped_text(c.wire_bytes_sent));
  }
  return table;
}

void add_time_bars(const std::vector<StepCost>& costs, std::vector<Block>& blocks) {
  plot::BarChart chart{.title = "Time of a step",
                       .label = "time, as medians of each part",
                       .tick = duration_text,
                       .part_names = {"compute", "compress", "exchange exposed", "rest"},
                       .bars = {}};
  for (const StepCost& c : costs) {
    if (!std::isfinite(c.step_seconds)) continue;
    chart.bars.push_back({.name = c.name,
                          .parts = {known_or_zero(c.compute_seconds), known_or_zero(c.compress_seconds),
                                    known_or_zero(c.exposed_seconds), known_or_zero(c.rest_seconds)}});
  }
  if (chart.bars.empty()) return;
  blocks.push_back(Figure{
      .svg = plot::to_svg(chart),
      .caption = "Compressing and exchanging count as far as computing waited for them; what of compressing "
                 "was hidden is not logged, and taken to be the same part as of the exchange. Wall time, "
                 "beside whatever else the machine did."});
}

void add_byte_bars(const std::vector<StepCost>& costs, std::vector<Block>& blocks) {
  plot::BarChart chart{.title = "Bytes of a step, by what they are",
                       .label = "sent by rank 0, headers and control included",
                       .tick = plain_bytes_text,
                       .part_names = {"values", "indices", "headers", "padding", "forwarded", "control"},
                       .bars = {}};
  for (const StepCost& c : costs) {
    plot::Bar bar{.name = c.name, .parts = {}};
    for (const double bytes : c.kind_bytes) bar.parts.push_back(known_or_zero(bytes));
    if (std::ranges::max(bar.parts) > 0.0) chart.bars.push_back(std::move(bar));
  }
  if (chart.bars.empty()) return;
  blocks.push_back(
      Figure{.svg = plot::to_svg(chart), .caption = "Medians of each kind; AdaComp's codes are indices."});
}

}  // namespace

StepCost cost_of(const std::string& name, const Columns& steps) {
  const auto median_of = [&](const char* key) { return settled_median(steps.at(key)); };
  const std::vector<double> compress = visible_compression(steps);
  StepCost cost{.name = name,
                .step_seconds = median_of("step_seconds"),
                .compute_seconds = median_of("compute_seconds"),
                .compress_seconds = settled_median(compress),
                .exposed_seconds = median_of("exposed_seconds"),
                .rest_seconds = settled_median(rest_of(steps, compress)),
                .kind_bytes = {},
                .wire_bytes_sent = median_of("wire_bytes_sent"),
                .payload_bytes = median_of("payload_bytes"),
                .compression_rate = median_of("compression_rate")};
  for (std::size_t i = 0; i < kKinds.size(); ++i) cost.kind_bytes[i] = median_of(kKinds[i]);
  return cost;
}

void add_cost_views(const std::vector<StepCost>& costs, std::vector<Block>& blocks) {
  if (costs.empty()) return;
  blocks.emplace_back(table_of(costs));
  add_time_bars(costs, blocks);
  add_byte_bars(costs, blocks);
}

}  // namespace sterna::report
