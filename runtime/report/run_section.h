// One run of `sterna train`, in tables and charts.
#pragma once

#include <cstddef>
#include <string>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

[[nodiscard]] Section run_section(const RunLog& run, const std::string& title, std::size_t most_points);

}  // namespace sterna::report
