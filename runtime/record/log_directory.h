// The files of a run in --log-dir: run.json, steps.jsonl, epochs.jsonl, ranks.jsonl, layers.jsonl,
// diagnostics.jsonl, choices.jsonl, and the same rows as CSV, but for diagnostics, which hold lists.
//
// A row is written whole, in one call of the operating system, at the moment it is recorded: a job that is
// killed leaves only complete lines. run.json appears under its name when it is complete.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "runtime/record/append_file.h"
#include "runtime/record/records.h"

namespace sterna::record {

struct LogOptions {
  std::filesystem::path directory;  // made if it is not there
  bool with_layers = false;
  bool with_diagnostics = false;
  bool with_choices = false;
  bool with_csv = false;
  bool overwrite = false;  // else a directory that already holds a run is refused
};

class LogDirectory {
 public:
  // Throws ConfigError if the directory cannot be made or written, or holds the logs of another run.
  explicit LogDirectory(const LogOptions& options);
  ~LogDirectory();

  void write_run(const std::string& json);

  // Replaces a file of that name.
  void write_text(const std::string& name, const std::string& text);
  void write(const StepRecord& record);
  void write(const EpochRecord& record);
  void write(const RankRecord& record);
  void write(const LayerRecord& record);
  void write(const DiagnosticsRecord& record);
  void write(const ChoiceRecord& record);

 private:
  class Table;
  std::filesystem::path directory_;
  std::unique_ptr<Table> steps_;
  std::unique_ptr<Table> epochs_;
  std::unique_ptr<Table> ranks_;
  std::unique_ptr<Table> layers_;
  std::unique_ptr<AppendFile> diagnostics_;
  std::unique_ptr<Table> choices_;
};

// One JSON object on one line, without the line break. Numbers that JSON cannot hold (NaN, infinity) become
// null.
[[nodiscard]] std::string to_json_line(const StepRecord& record);

}  // namespace sterna::record
