// What a run has left in its --log-dir, and how it ended.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "runtime/experiment/plan.h"

namespace sterna::experiment {

enum class RunStatus { kDone, kDiverged, kFailed };

[[nodiscard]] std::string_view status_name(RunStatus status);

// How a run's process ended, in outcome.json of its directory: without that file it was interrupted.
struct RunOutcome {
  RunStatus status;
  double seconds;  // wall time, the program's start included
};

void write_outcome(const std::filesystem::path& directory, const RunOutcome& outcome);

// Whether a run of whatever settings has ended there.
[[nodiscard]] bool has_ended(const std::filesystem::path& directory);

// Before a run begins: until it has ended, there is no outcome.
void remove_outcome(const std::filesystem::path& directory);

// Returns none if the run has not ended, or failed: then it is to be done. Throws ConfigError, which names a
// setting and both values, if it has ended with other settings than planned. A setting that the program had
// not yet, when the run was made, counts as having its present default.
//   defaults  every setting of a run without flags
[[nodiscard]] std::optional<RunOutcome> find_outcome(const PlannedRun& run,
                                                     const nlohmann::ordered_json& defaults);

struct CopiedRun {
  RunOutcome outcome;
  std::filesystem::path from;
};

// Looks for a run of the same settings among those of other experiments and variants,
// OUT/NAME/VARIANT/seed-K, and copies it to the run's directory as if it had ended there: a baseline that
// experiments share is trained once. Overwrites what an interrupted run has left. Returns none if there is no
// such run.
[[nodiscard]] std::optional<CopiedRun> copy_equal_run(const PlannedRun& run, const std::filesystem::path& out,
                                                      const nlohmann::ordered_json& defaults);

// What result.json says of a run.
struct RunSummary {
  std::uint64_t seed = 0;
  std::string directory{};  // relative to the experiment's
  RunStatus status = RunStatus::kFailed;
  std::optional<double> value{};  // the measure after the last step; of a run that is done
  std::uint64_t steps = 0;
  double payload_bytes = 0.0;    // mean over steps
  double dense_bytes = 0.0;      // mean over steps
  double wire_bytes_sent = 0.0;  // sum over steps
  double seconds = 0.0;
};

// Reads steps.jsonl, and of a run that is done epochs.jsonl; of one that failed, nothing. A run that is done
// with a measure that is no finite number, which JSON has as null, counts as diverged. Throws ConfigError if
// a run that is done has no such measure, or a file is not what `sterna train` writes.
[[nodiscard]] RunSummary summarise(const PlannedRun& run, const RunOutcome& outcome,
                                   const std::string& measure);

}  // namespace sterna::experiment
