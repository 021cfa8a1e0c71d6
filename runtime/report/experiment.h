// What `sterna experiment` found: a file result.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sterna::report {

using SettingList = std::vector<std::pair<std::string, std::string>>;

struct ExperimentRun {
  std::uint64_t seed = 0;
  std::filesystem::path directory{};  // its --log-dir
  std::string status{};               // done, diverged or failed
  std::optional<double> value{};      // of the measure
  double steps = 0.0;
  double payload_bytes = 0.0;    // mean over steps, of a learner
  double wire_bytes_sent = 0.0;  // sum over steps
  double seconds = 0.0;
};

struct Variant {
  std::string name;
  SettingList settings{};  // flags of this one alone
  std::vector<ExperimentRun> runs{};
  std::optional<double> mean{};  // over seeds, and the ends of its 95 % interval
  std::optional<double> low{};
  std::optional<double> high{};
  std::optional<double> payload_bytes{};  // means over runs that are done
  std::optional<double> compression_rate{};

  [[nodiscard]] std::size_t count(const std::string& status) const;
  [[nodiscard]] double mean_seconds() const;  // of the runs that are done; NaN without any
};

// Differences are variant less baseline, paired by seed; in units of the measure, or relative to the
// baseline's mean.
struct Comparison {
  std::string variant;
  std::string baseline;
  std::string expected;  // equivalent, worse, better or open
  double margin = 0.0;
  bool is_margin_relative = false;
  std::uint64_t pairs = 0;
  std::uint64_t pairs_done = 0;        // in which neither run diverged: of them are the differences
  std::uint64_t planned_pairs = 0;     // 0: not known
  std::optional<double> difference{};  // and the ends of its 95 % interval
  std::optional<double> low{};
  std::optional<double> high{};
  std::string verdict;            // equivalent, worse, better or undecided
  bool is_by_divergence = false;  // not by the interval
};

struct Experiment {
  std::filesystem::path directory;
  std::string name{};
  std::string title{};
  std::string claim{};
  std::string source{};
  std::string size{};     // quick or full
  std::string measure{};  // a key of epochs.jsonl
  bool is_higher_better = true;
  std::uint64_t seeds = 0;  // planned for each variant; 0: not known
  SettingList settings{};   // flags that all variants have
  std::string machine{};
  double seconds = 0.0;  // of all runs
  std::vector<Variant> variants{};
  std::vector<Comparison> comparisons{};

  // nullptr if there is none of that name.
  [[nodiscard]] const Variant* variant(const std::string& name) const;
};

// Reads directory/result.json. Throws ConfigError, which names the file, if it is not what `sterna
// experiment` writes.
[[nodiscard]] Experiment read_experiment(const std::filesystem::path& directory);

}  // namespace sterna::report
