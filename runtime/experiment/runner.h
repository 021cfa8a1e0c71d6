// Does the runs of an experiment that are not there yet, and writes what they show.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/experiment/definition.h"
#include "runtime/experiment/result.h"

namespace sterna::experiment {

struct RunnerOptions {
  std::filesystem::path out;          // the experiment's directory is OUT/NAME
  std::filesystem::path data_root;    // see plan_runs()
  std::size_t jobs = 1;               // runs at a time
  std::vector<std::string> variants;  // that are to be run; empty: all
};

struct Failure {
  std::string run;               // "adacomp, seed 1"
  int status;                    // exit status
  std::filesystem::path output;  // what it printed
};

struct Report {
  ExperimentResult result;
  std::vector<Failure> failures;
  int signal = 0;  // that ended it early; 0 if none did
};

// OUT/NAME/VARIANT/seed-K has each run's logs, output.txt, which it printed, and outcome.json, when it has
// ended. A run with an outcome and equal settings is not done again. OUT/NAME/result.json is written anew
// after each run, of all runs that are there, also of variants and seeds that are not asked for. Runs that
// diverge are results; those that fail do not stop others.
//   note  is called with a line for each run that ends
// Throws ConfigError if runs that are there have other settings or were expected to show something else, if
// another process works on OUT/NAME, and for what plan_runs() finds.
[[nodiscard]] Report run_experiment(const Definition& definition, const RunnerOptions& options,
                                    const Program& program,
                                    const std::function<void(const std::string&)>& note);

}  // namespace sterna::experiment
