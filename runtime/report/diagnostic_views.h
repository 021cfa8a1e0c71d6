// What --log-diagnostics tells of a run: how alike the learners' residues are, and what that does to what is
// sent.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

void add_diagnostic_views(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks);

}  // namespace sterna::report
