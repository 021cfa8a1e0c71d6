// The runs of an experiment, in the order in which they are started.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/experiment/definition.h"

namespace sterna::experiment {

struct PlannedRun {
  std::size_t variant;  // number within the definition
  std::uint64_t seed;
  std::filesystem::path directory;     // run_directory(), its --log-dir
  std::vector<std::string> arguments;  // of `sterna train`, --log-dir among them
  nlohmann::ordered_json settings;     // all that `sterna train` makes of them
};

// VARIANT/seed-K in the experiment's.
[[nodiscard]] std::filesystem::path run_directory(const std::filesystem::path& experiment,
                                                  const std::string& variant, std::uint64_t seed);

// Every variant with the first seed, then with the second: what is there early can be compared.
//   seeds      1 to so many
//   directory  of the experiment
//   data_root  holds the data sets, each in a folder of its name; empty where none is needed
// Throws ConfigError if the program refuses a run, or the data is not there.
[[nodiscard]] std::vector<PlannedRun> plan_runs(const Definition& definition, std::uint64_t seeds,
                                                const std::filesystem::path& directory,
                                                const std::filesystem::path& data_root,
                                                const Program& program);

// The arguments that set these flags.
[[nodiscard]] std::vector<std::string> to_arguments(const Flags& flags);

}  // namespace sterna::experiment
