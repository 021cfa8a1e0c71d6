#include "runtime/report/run_log.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <ranges>

#include "runtime/core/errors.h"
#include "runtime/record/log_files.h"

namespace sterna::report {
namespace {

using nlohmann::json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr record::LogReader kReader{.part = "report", .writer = "sterna train"};

void read_description(RunLog& run) {
  const std::filesystem::path path = run.directory / "run.json";
  const json description = kReader.read_json(path);
  kReader.guard(path.string(), [&] {
    for (const auto& [key, value] : description.at("settings").items()) {
      run.settings.emplace_back(key, setting_text(value));
    }
    run.learners = description.at("learners").get<double>();
    run.ranks = description.at("ranks").get<double>();
    for (const json& row : description.at("parameters")) {
      run.parameters.push_back({.name = row.at("name").get<std::string>(),
                                .kind = row.at("kind").get<std::string>(),
                                .elements = row.at("elements").get<double>(),
                                .is_compressed = row.at("compressed").get<bool>()});
    }
  });
}

// Whether `name` was there; what was amiss with it is in the run's notes.
bool read_rows(RunLog& run, const std::string& name, const std::function<void(const json&)>& take) {
  const std::filesystem::path path = run.directory / name;
  if (!std::filesystem::exists(path)) return false;
  if (kReader.for_each_row(path, /*may_be_cut=*/true, take)) {
    run.notes.push_back(cat("The last line of ", name,
                            " is not complete and was passed over: the run is under way, or was cut short."));
  }
  return true;
}

LayerLog& layer_of(std::vector<LayerLog>& layers, const json& row) {
  const auto name = row.at("layer").get<std::string>();
  const auto found = std::ranges::find(layers, name, &LayerLog::name);
  if (found != layers.end()) return *found;
  layers.push_back({.name = name,
                    .kind = row.at("kind").get<std::string>(),
                    .elements = row.at("elements").get<double>()});
  return layers.back();
}

void read_diagnostics(RunLog& run) {
  read_rows(run, "diagnostics.jsonl", [&](const json& row) {
    LayerLog& layer = layer_of(run.diagnostics, row);
    layer.rows.add(row);
    if (row.contains("residue_quantiles") && row.contains("mean_residue_quantiles")) {
      layer.residue_quantiles = row["residue_quantiles"].get<std::vector<double>>();
      layer.mean_residue_quantiles = row["mean_residue_quantiles"].get<std::vector<double>>();
    }
  });
}

}  // namespace

void Columns::add(const json& row) {
  for (const auto& [key, value] : row.items()) {
    if (!value.is_number()) continue;
    std::vector<double>& column = values_[key];
    column.resize(rows_, kNan);
    column.push_back(value.get<double>());
  }
  ++rows_;
}

std::vector<std::string> Columns::names() const {
  const auto keys = std::views::keys(values_);
  return {keys.begin(), keys.end()};
}

bool Columns::has(const std::string& name) const {
  return values_.contains(name);
}

std::vector<double> Columns::at(const std::string& name) const {
  const auto found = values_.find(name);
  std::vector<double> column = found == values_.end() ? std::vector<double>() : found->second;
  column.resize(rows_, kNan);
  return column;
}

double Columns::last(const std::string& name) const {
  return rows_ == 0 ? kNan : at(name).back();
}

std::string RunLog::setting(const std::string& key) const {
  const auto found = std::ranges::find(settings, key, &std::pair<std::string, std::string>::first);
  return found == settings.end() ? "" : found->second;
}

std::string setting_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (const json& part : value) parts.push_back(setting_text(part));
  return joined(parts, " ");
}

RunLog read_run_log(const std::filesystem::path& directory) {
  RunLog run{.directory = directory};
  read_description(run);
  if (!read_rows(run, "steps.jsonl", [&](const json& row) { run.steps.add(row); })) {
    run.notes.push_back("There is no steps.jsonl.");
  }
  read_rows(run, "epochs.jsonl", [&](const json& row) { run.epochs.add(row); });
  read_diagnostics(run);
  return run;
}

void read_layers(RunLog& run) {
  read_rows(run, "layers.jsonl", [&](const json& row) { layer_of(run.layers, row).rows.add(row); });
}

}  // namespace sterna::report
