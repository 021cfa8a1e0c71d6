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

// A setting in which a run that was made is not the one that is planned.
struct Difference {
  std::string key;
  std::string before;
  std::string now;
};

std::optional<Difference> first_difference(const PlannedRun& run, const json& had,
                                           const ordered_json& defaults) {
  for (const auto& [key, now] : run.settings.items()) {
    if (kPlaces.contains(key)) continue;
    const ordered_json before = had.contains(key) ? ordered_json(had[key]) : defaults[key];
    if (before != now) return Difference{.key = key, .before = before.dump(), .now = now.dump()};
  }
  return std::nullopt;
}

// What a run that has ended, and did not fail, says of itself.
struct EndedRun {
  RunOutcome outcome;
  json settings;
};

std::optional<EndedRun> read_ended(const std::filesystem::path& directory) {
  if (!has_ended(directory)) return std::nullopt;
  const std::filesystem::path path = directory / kOutcomeFile;
  const json written = kReader.read_json(path);
  RunOutcome outcome{};
  kReader.guard(path.string(), [&] {
    outcome = {.status = status_named(written.value("status", ""), path),
               .seconds = written.at("seconds").get<double>()};
  });
  const std::filesystem::path description = directory / "run.json";
  if (outcome.status == RunStatus::kFailed || !std::filesystem::exists(description)) return std::nullopt;
  const json written_first = kReader.read_json(description);
  if (!written_first.contains("settings")) return std::nullopt;
  return EndedRun{.outcome = outcome, .settings = written_first["settings"]};
}

// The directories of a directory in the order of their names.
std::vector<std::filesystem::path> directories_of(const std::filesystem::path& parent) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(parent)) {
    if (entry.is_directory()) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

// The outcome comes last, as if the run had ended here.
void copy_run(const std::filesystem::path& from, const std::filesystem::path& to, const RunOutcome& outcome) {
  std::filesystem::remove_all(to);
  std::filesystem::create_directories(to.parent_path());
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  remove_outcome(to);
  write_outcome(to, outcome);
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

// None where it is no finite number.
std::optional<double> read_measure(const std::filesystem::path& path, const std::string& measure) {
  json last = json::object();
  for_each_row(path, [&](const json& row) { last = row; });
  if (last.contains(measure) && last[measure].is_null()) return std::nullopt;
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

bool has_ended(const std::filesystem::path& directory) {
  return std::filesystem::exists(directory / kOutcomeFile);
}

void remove_outcome(const std::filesystem::path& directory) {
  std::filesystem::remove(directory / kOutcomeFile);
}

std::optional<RunOutcome> find_outcome(const PlannedRun& run, const ordered_json& defaults) {
  const auto ended = read_ended(run.directory);
  if (!ended) return std::nullopt;
  if (const auto difference = first_difference(run, ended->settings, defaults)) {
    throw ConfigError(cat("[experiment] ", difference->key, " = ", difference->now, ": was ",
                          difference->before, " when ", run.directory.string(),
                          " was made; choose another --out, or remove what was made with other settings"));
  }
  return ended->outcome;
}

std::optional<CopiedRun> copy_equal_run(const PlannedRun& run, const std::filesystem::path& out,
                                        const ordered_json& defaults) {
  for (const auto& experiment : directories_of(out)) {
    for (const auto& variant : directories_of(experiment)) {
      const std::filesystem::path directory = variant / run.directory.filename();
      const auto ended = directory == run.directory ? std::nullopt : read_ended(directory);
      if (!ended || first_difference(run, ended->settings, defaults)) continue;
      copy_run(directory, run.directory, ended->outcome);
      return CopiedRun{.outcome = ended->outcome, .from = directory};
    }
  }
  return std::nullopt;
}

RunSummary summarise(const PlannedRun& run, const RunOutcome& outcome, const std::string& measure) {
  RunSummary summary{.seed = run.seed, .status = outcome.status, .seconds = outcome.seconds};
  summary.directory = (run.directory.parent_path().filename() / run.directory.filename()).string();
  if (outcome.status == RunStatus::kFailed) return summary;  // it may have left the logs of an earlier try
  read_steps(run.directory / "steps.jsonl", summary);
  if (outcome.status == RunStatus::kDone) {
    summary.value = read_measure(run.directory / "epochs.jsonl", measure);
    if (!summary.value) summary.status = RunStatus::kDiverged;
  }
  return summary;
}

}  // namespace sterna::experiment
