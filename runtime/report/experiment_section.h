// One experiment: verdicts first, then what they rest on.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/experiment.h"

namespace sterna::report {

// Reads the logs of the experiment's runs, where they are there. Throws ConfigError, which names file and
// line.
//   most_points  of a curve of a single run
[[nodiscard]] Section experiment_section(const Experiment& experiment, std::size_t most_points);

// The verdicts of all, a row each.
[[nodiscard]] Table verdict_table(const std::vector<Experiment>& experiments);

}  // namespace sterna::report
