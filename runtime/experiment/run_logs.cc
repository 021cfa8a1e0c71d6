#include "runtime/experiment/run_logs.h"

#include <algorithm>
#include <functional>

#include "runtime/core/errors.h"
#include "runtime/record/append_file.h"
#include "runtime/record/log_files.h"

namespace sterna::experiment {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kOutcomeFile = "outcome.json";
constexpr record::LogReader kReader{.part = "experiment",
                                    .writer = "sterna experiment",
                                    .remedy = "remove the run's directory, and the run is done anew"};

// Settings that say where things are and what is shown, not what a run is.
const std::set<std::string> kPlaces = {"csv", "data-dir", "log-dir", "overwrite", "progress", "vocabulary"};

RunStatus status_named(const std::string& name, const std::filesystem::path& path) {
  for (RunStatus status : {RunStatus::kDone, RunStatus::kDiverged, RunStatus::kFailed}) {
    if (status_name(status) == name) return status;
  }
  throw ConfigError(cat("[experiment] ", path.string(), ": status = \"", name,
                        "\": must be done, diverged or failed; ", kReader.remedy));
}

// None where the file is not there: of a run that failed at once.
void for_each_row(const std::filesystem::path& path, const std::function<void(const json&)>& take) {
  if (std::filesystem::exists(path)) kReader.for_each_row(path, /*may_be_cut=*/false, take);
}

void require_equal_settings(const PlannedRun& run, const json& had, const ordered_json& defaults) {
  for (const auto& [key, now] : run.settings.items()) {
    if (kPlaces.contains(key)) continue;
    const ordered_json before = had.contains(key) ? ordered_json(had[key]) : defaults[key];
    if (before == now) continue;
    throw ConfigError(cat("[experiment] ", key, " = ", now.dump(), ": was ", before.dump(), " when ",
                          run.directory.string(),
                          " was made; choose another --out, or remove what was made with other settings"));
  }
}

void read_steps(const std::filesystem::path& path, RunSummary& summary) {
  double payload = 0.0;
  double dense = 0.0;
  for_each_row(path, [&](const json& row) {
    ++summary.steps;
    payload += row.at("payload_bytes").get<double>();
    dense += row.at("dense_bytes").get<double>();
    summary.wire_bytes_sent += row.at("wire_bytes_sent").get<double>();
  });
  if (summary.steps == 0) return;
  summary.payload_bytes = payload / static_cast<double>(summary.steps);
  summary.dense_bytes = dense / static_cast<double>(summary.steps);
}

// The keys of a row that are numbers.
std::vector<std::string> numbers_of(const json& row) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : row.items()) {
    if (value.is_number()) keys.push_back(key);
  }
  return keys;
}

double read_measure(const std::filesystem::path& path, const std::string& measure) {
  json last = json::object();
  for_each_row(path, [&](const json& row) { last = row; });
  if (last.contains(measure) && last[measure].is_number()) return last[measure].get<double>();
  throw ConfigError(cat("[experiment] measure = \"", measure, "\": the last row of ", path.string(),
                        " has only ", joined(numbers_of(last), ", ")));
}

}  // namespace

std::string_view status_name(RunStatus status) {
  switch (status) {
    case RunStatus::kDone:
      return "done";
    case RunStatus::kDiverged:
      return "diverged";
    case RunStatus::kFailed:
      break;
  }
  return "failed";
}

void write_outcome(const std::filesystem::path& directory, const RunOutcome& outcome) {
  const ordered_json written = {{"status", status_name(outcome.status)}, {"seconds", outcome.seconds}};
  record::write_whole(directory / kOutcomeFile, written.dump() + '\n');
}

void remove_outcome(const std::filesystem::path& directory) {
  std::filesystem::remove(directory / kOutcomeFile);
}

std::optional<RunOutcome> find_outcome(const PlannedRun& run, const ordered_json& defaults) {
  const std::filesystem::path path = run.directory / kOutcomeFile;
  if (!std::filesystem::exists(path)) return std::nullopt;
  const json written = kReader.read_json(path);
  RunOutcome outcome{};
  kReader.guard(path.string(), [&] {
    outcome = {.status = status_named(written.value("status", ""), path),
               .seconds = written.at("seconds").get<double>()};
  });
  const std::filesystem::path description = run.directory / "run.json";
  if (outcome.status == RunStatus::kFailed || !std::filesystem::exists(description)) return std::nullopt;
  const json written_first = kReader.read_json(description);
  if (!written_first.contains("settings")) return std::nullopt;
  require_equal_settings(run, written_first["settings"], defaults);
  return outcome;
}

RunSummary summarise(const PlannedRun& run, const RunOutcome& outcome, const std::string& measure) {
  RunSummary summary{.seed = run.seed, .status = outcome.status, .seconds = outcome.seconds};
  summary.directory = (run.directory.parent_path().filename() / run.directory.filename()).string();
  if (outcome.status == RunStatus::kFailed) return summary;  // it may have left the logs of an earlier try
  read_steps(run.directory / "steps.jsonl", summary);
  if (outcome.status == RunStatus::kDone)
    summary.value = read_measure(run.directory / "epochs.jsonl", measure);
  return summary;
}

}  // namespace sterna::experiment
