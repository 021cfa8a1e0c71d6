// What --log-diagnostics tells of an experiment's variants, side by side.
#pragma once

#include <string>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

struct VariantRuns {
  std::string name;
  const std::vector<RunLog>& runs;  // a seed each
};

// Of layers whose diagnostics two variants have or more: a table of each of the three largest, and charts of
// the largest. Nothing where there is none.
void add_diagnostic_comparison(const std::vector<VariantRuns>& variants, std::vector<Block>& blocks);

}  // namespace sterna::report
