// What --log-diagnostics tells of variants, side by side.
#pragma once

#include <vector>

#include "runtime/report/comparison_views.h"
#include "runtime/report/document.h"

namespace sterna::report {

// Of layers whose diagnostics two variants have or more: a table of each of the three largest, and charts of
// the largest. Nothing where there is none.
void add_diagnostic_comparison(const std::vector<VariantRuns>& variants, std::vector<Block>& blocks);

}  // namespace sterna::report
