// The logs of a run of `sterna train`, as far as they are there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sterna::report {

// Rows of numbers under names. A row need not have them all: NaN stands for what is missing or null.
class Columns {
 public:
  void add(const nlohmann::json& row);
  [[nodiscard]] std::size_t rows() const { return rows_; }

  // Whether a row has a number there.
  [[nodiscard]] bool has(const std::string& name) const;

  // One value a row.
  [[nodiscard]] std::vector<double> at(const std::string& name) const;

  // The last row's; NaN where there is none.
  [[nodiscard]] double last(const std::string& name) const;

  // In alphabetical order.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::map<std::string, std::vector<double>> values_;
  std::size_t rows_ = 0;
};

struct Parameter {
  std::string name;
  std::string kind;
  double elements = 0.0;
  bool is_compressed = false;
};

// The rows of one layer in layers.jsonl or diagnostics.jsonl.
struct LayerLog {
  std::string name;
  std::string kind;
  double elements = 0.0;
  Columns rows{};
  // Of the last row: |m| of learner 0's residue and of the mean over learners, at the levels of
  // diagnostics.jsonl.
  std::vector<double> residue_quantiles{};
  std::vector<double> mean_residue_quantiles{};
};

struct RunLog {
  std::filesystem::path directory;
  std::vector<std::pair<std::string, std::string>> settings{};  // flags and values, as run.json has them
  double learners = 0.0;
  double ranks = 0.0;
  std::vector<Parameter> parameters{};
  Columns steps{};   // steps.jsonl
  Columns epochs{};  // epochs.jsonl
  std::vector<LayerLog> layers{};
  std::vector<LayerLog> diagnostics{};
  std::vector<std::string> notes{};  // what a reader must know of the logs, a sentence each

  // "" where there is no such setting.
  [[nodiscard]] std::string setting(const std::string& key) const;
};

// All but layers.jsonl, which of many runs would be much. Throws ConfigError, which names file and line, if
// run.json is not there or a file is not what `sterna train` writes. A last line that is not complete is
// passed over, and said in the notes; so is a file that is missing.
[[nodiscard]] RunLog read_run_log(const std::filesystem::path& directory);

// Adds the layers, from layers.jsonl, to what read_run_log() returned; throws as it does.
void read_layers(RunLog& run);

// A setting's value as the command line has it: without the quotes of JSON.
[[nodiscard]] std::string setting_text(const nlohmann::json& value);

}  // namespace sterna::report
