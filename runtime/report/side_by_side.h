// Runs outside of experiments, set side by side where they train one model on one data set.
#pragma once

#include <string>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

struct NamedRun {
  std::string name;
  RunLog log;
};

// A section for each model and data set that runs of two settings or more train, in the order of the runs.
// Runs that differ in seed alone are one variant.
[[nodiscard]] std::vector<Section> side_by_side(const std::vector<NamedRun>& runs);

}  // namespace sterna::report
