// A result for people: a Markdown table, and a line for each comparison.
#pragma once

#include <string>

#include "runtime/experiment/result.h"

namespace sterna::experiment {

[[nodiscard]] std::string to_markdown(const ExperimentResult& result);

}  // namespace sterna::experiment
