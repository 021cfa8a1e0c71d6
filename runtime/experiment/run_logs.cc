#include "runtime/experiment/run_logs.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "runtime/core/errors.h"
#include "runtime/record/append_file.h"

namespace sterna::experiment {
namespace {

using nlohmann::ordered_json;

constexpr const char* kOutcomeFile = "outcome.json";

// Settings that say where things are and what is shown, not what a run is.
const std::set<std::string> kPlaces = {"csv", "data-dir", "log-dir", "overwrite", "progress", "vocabulary"};

// Parses; what the JSON library finds wrong becomes one line.
ordered_json parse(const std::string& text, const std::string& where) {
  try {
    return ordered_json::parse(text);
  } catch (const ordered_json::exception&) {
    throw ConfigError(
        cat("[experiment] ", where,
            ": is not what this program writes; remove the run's directory, and the run is done anew"));
  }
}

std::optional<ordered_json> read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  return parse(text.str(), path.string());
}

// None where the file is not there: of a run that failed at once.
void for_each_row(const std::filesystem::path& path, const std::function<void(const ordered_json&)>& take) {
  std::ifstream file(path);
  std::string text;
  for (std::size_t line = 1; std::getline(file, text); ++line) {
    take(parse(text, cat(path.string(), ", line ", line)));
  }
}

double number(const ordered_json& row, const char* key, const std::filesystem::path& path) {
  const auto found = row.find(key);
  if (found != row.end() && found->is_number()) return found->get<double>();
  throw ConfigError(cat("[experiment] ", path.string(), ": has no number ", key,
                        "; remove the run's directory, and the run is done anew"));
}

RunStatus status_named(const std::string& name, const std::filesystem::path& path) {
  for (RunStatus status : {RunStatus::kDone, RunStatus::kDiverged, RunStatus::kFailed}) {
    if (status_name(status) == name) return status;
  }
  throw ConfigError(cat("[experiment] ", path.string(), ": status = \"", name,
                        "\": must be done, diverged or failed; ",
                        "remove the run's directory, and the run is done anew"));
}

void require_equal_settings(const PlannedRun& run, const ordered_json& had, const ordered_json& defaults) {
  for (const auto& [key, now] : run.settings.items()) {
    if (kPlaces.contains(key)) continue;
    const ordered_json& before = had.contains(key) ? had[key] : defaults[key];
    if (before == now) continue;
    throw ConfigError(cat("[experiment] ", key, " = ", now.dump(), ": was ", before.dump(), " when ",
                          run.directory.string(),
                          " was made; choose another --out, or remove what was made with other settings"));
  }
}

void read_steps(const std::filesystem::path& path, RunSummary& summary) {
  double payload = 0.0;
  double dense = 0.0;
  for_each_row(path, [&](const ordered_json& row) {
    ++summary.steps;
    payload += number(row, "payload_bytes", path);
    dense += number(row, "dense_bytes", path);
    summary.wire_bytes_sent += number(row, "wire_bytes_sent", path);
  });
  if (summary.steps == 0) return;
  summary.payload_bytes = payload / static_cast<double>(summary.steps);
  summary.dense_bytes = dense / static_cast<double>(summary.steps);
}

// The keys of a row that are numbers.
std::vector<std::string> numbers_of(const ordered_json& row) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : row.items()) {
    if (value.is_number()) keys.push_back(key);
  }
  return keys;
}

double read_measure(const std::filesystem::path& path, const std::string& measure) {
  ordered_json last = ordered_json::object();
  for_each_row(path, [&](const ordered_json& row) { last = row; });
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
  const ordered_json json = {{"status", status_name(outcome.status)}, {"seconds", outcome.seconds}};
  record::write_whole(directory / kOutcomeFile, json.dump() + '\n');
}

void remove_outcome(const std::filesystem::path& directory) {
  std::filesystem::remove(directory / kOutcomeFile);
}

std::optional<RunOutcome> find_outcome(const PlannedRun& run, const ordered_json& defaults) {
  const std::filesystem::path path = run.directory / kOutcomeFile;
  const auto json = read_json(path);
  if (!json) return std::nullopt;
  const RunOutcome outcome{.status = status_named(json->value("status", ""), path),
                           .seconds = number(*json, "seconds", path)};
  if (outcome.status == RunStatus::kFailed) return std::nullopt;
  const auto description = read_json(run.directory / "run.json");
  if (!description || !description->contains("settings")) return std::nullopt;
  require_equal_settings(run, (*description)["settings"], defaults);
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
