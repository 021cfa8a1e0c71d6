// What a step takes and sends, by part.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

// Medians over the steps after the first tenth, of rank 0; NaN where a log does not tell.
struct StepCost {
  std::string name;  // of the run or variant
  double step_seconds;
  double compute_seconds;
  double compress_seconds;  // what of it was not hidden behind computing
  double exposed_seconds;   // of the exchange, what compute waited for
  double rest_seconds;
  std::array<double, 6> kind_bytes;  // values, indices, headers, padding, forwarded, control
  double wire_bytes_sent;
  double payload_bytes;  // of a learner
  double compression_rate;
};

[[nodiscard]] StepCost cost_of(const std::string& name, const Columns& steps);

// A table, and a bar for each run: time by part, and bytes by kind where any were sent.
void add_cost_views(const std::vector<StepCost>& costs, std::vector<Block>& blocks);

}  // namespace sterna::report
