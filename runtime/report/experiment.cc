#include "runtime/report/experiment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "runtime/core/errors.h"
#include "runtime/record/log_files.h"
#include "runtime/report/run_log.h"

namespace sterna::report {
namespace {

using nlohmann::json;

constexpr record::LogReader kReader{.part = "report", .writer = "sterna experiment"};
constexpr std::array<std::string_view, 3> kStatuses = {"done", "diverged", "failed"};
constexpr std::array<std::string_view, 4> kExpectations = {"equivalent", "worse", "better", "open"};
constexpr std::array<std::string_view, 4> kVerdicts = {"equivalent", "worse", "better", "undecided"};

// A missing key and null, which is how JSON has infinity, are no number.
std::optional<double> optional_number(const json& row, const char* key) {
  if (!row.contains(key) || row[key].is_null()) return std::nullopt;
  return row[key].get<double>();
}

double number_or_nan(const json& row, const char* key) {
  return optional_number(row, key).value_or(std::numeric_limits<double>::quiet_NaN());
}

template <std::size_t N>
std::string one_of(const std::array<std::string_view, N>& words, const json& row, const char* key) {
  const auto word = row.at(key).get<std::string>();
  if (std::ranges::find(words, word) != words.end()) return word;
  throw json::other_error::create(501, cat(key, " = ", word, " is none of ", joined(words, ", ")), &row);
}

SettingList settings_of(const json& row) {
  SettingList settings;
  for (const auto& [key, value] : row.at("settings").items()) settings.emplace_back(key, setting_text(value));
  return settings;
}

ExperimentRun run_of(const json& row, const std::filesystem::path& directory) {
  return {.seed = row.at("seed").get<std::uint64_t>(),
          .directory = directory / row.at("directory").get<std::string>(),
          .status = one_of(kStatuses, row, "status"),
          .value = optional_number(row, "value"),
          .steps = number_or_nan(row, "steps"),
          .payload_bytes = number_or_nan(row, "payload_bytes"),
          .wire_bytes_sent = number_or_nan(row, "wire_bytes_sent"),
          .seconds = number_or_nan(row, "seconds")};
}

Variant variant_of(const json& row, const std::filesystem::path& directory) {
  Variant variant{.name = row.at("name").get<std::string>(),
                  .settings = settings_of(row),
                  .runs = {},
                  .mean = optional_number(row, "mean"),
                  .low = optional_number(row, "low"),
                  .high = optional_number(row, "high"),
                  .payload_bytes = optional_number(row, "payload_bytes"),
                  .compression_rate = optional_number(row, "compression_rate")};
  for (const json& run : row.at("runs")) variant.runs.push_back(run_of(run, directory));
  return variant;
}

// Early versions wrote neither pairs_done nor is_by_divergence.
Comparison comparison_of(const json& row) {
  const auto pairs = row.at("pairs").get<std::uint64_t>();
  return {.variant = row.at("variant").get<std::string>(),
          .baseline = row.at("baseline").get<std::string>(),
          .expected = one_of(kExpectations, row, "expected"),
          .margin = row.at("margin").get<double>(),
          .is_margin_relative = row.at("is_margin_relative").get<bool>(),
          .pairs = pairs,
          .pairs_done = row.value("pairs_done", pairs),
          .difference = optional_number(row, "difference"),
          .low = optional_number(row, "low"),
          .high = optional_number(row, "high"),
          .verdict = one_of(kVerdicts, row, "verdict"),
          .is_by_divergence = row.value("is_by_divergence", false)};
}

std::string machine_of(const json& result) {
  if (!result.contains("machine")) return "";
  const json& machine = result["machine"];
  return cat(machine.at("processor").get<std::string>(), ", ", machine.at("cores").get<int>(), " cores");
}

}  // namespace

std::size_t Variant::count(const std::string& status) const {
  return static_cast<std::size_t>(std::ranges::count(runs, status, &ExperimentRun::status));
}

double Variant::mean_seconds() const {
  double sum = 0.0;
  for (const ExperimentRun& run : runs) sum += run.status == "done" ? run.seconds : 0.0;
  const std::size_t done = count("done");
  return done == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(done);
}

const Variant* Experiment::variant(const std::string& wanted) const {
  const auto found = std::ranges::find(variants, wanted, &Variant::name);
  return found == variants.end() ? nullptr : &*found;
}

Experiment read_experiment(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "result.json";
  const json result = kReader.read_json(path);
  Experiment experiment{.directory = directory};
  kReader.guard(path.string(), [&] {
    experiment.name = result.at("experiment").get<std::string>();
    experiment.title = result.at("title").get<std::string>();
    experiment.claim = result.at("claim").get<std::string>();
    experiment.source = result.at("source").get<std::string>();
    experiment.size = result.at("size").get<std::string>();
    experiment.measure = result.at("measure").get<std::string>();
    experiment.is_higher_better = result.at("higher_is_better").get<bool>();
    experiment.settings = settings_of(result);
    experiment.machine = machine_of(result);
    experiment.seconds = number_or_nan(result, "seconds");
    for (const json& row : result.at("variants")) experiment.variants.push_back(variant_of(row, directory));
    experiment.seeds = result.value("seeds", std::uint64_t{0});  // not written by early versions
    for (const json& row : result.at("comparisons")) {
      experiment.comparisons.push_back(comparison_of(row));
      experiment.comparisons.back().planned_pairs = experiment.seeds;
    }
  });
  return experiment;
}

}  // namespace sterna::report
