// All that is found below a directory, as one page.
#pragma once

#include <filesystem>
#include <vector>

#include "runtime/report/document.h"

namespace sterna::report {

struct Found {
  std::vector<std::filesystem::path> experiments;  // directories with a result.json
  std::vector<std::filesystem::path> runs;         // with a run.json, and in no experiment
};

// In alphabetical order; `directory` itself may be one. Links to directories are not followed, and nothing is
// looked for below an experiment or a run. Throws ConfigError if there is no such directory, or nothing in
// it.
[[nodiscard]] Found find_results(const std::filesystem::path& directory);

// Throws ConfigError, which names file and line, if a file is not what `sterna experiment` and `sterna train`
// write.
[[nodiscard]] Document report_of(const std::filesystem::path& directory, const Found& found);

}  // namespace sterna::report
