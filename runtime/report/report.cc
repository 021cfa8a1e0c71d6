#include "runtime/report/report.h"

#include <algorithm>
#include <iterator>
#include <system_error>

#include "runtime/core/errors.h"
#include "runtime/report/curves.h"
#include "runtime/report/experiment.h"
#include "runtime/report/experiment_section.h"
#include "runtime/report/run_log.h"
#include "runtime/report/run_section.h"
#include "runtime/report/side_by_side.h"
#include "runtime/report/verdict.h"

namespace sterna::report {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sorted_directories(const fs::path& directory) {
  std::vector<fs::path> inner;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code ignored;  // of a link that leads nowhere
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) inner.push_back(entry->path());
  }
  if (error) {
    throw ConfigError(cat("[report] ", directory.string(), ": cannot look into it (", error.message(),
                          "); make it readable, or name another directory"));
  }
  std::ranges::sort(inner);
  return inner;
}

// What cannot be looked at is no result; sorted_directories() says so where that matters.
bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

void find_below(const fs::path& directory, Found& found) {
  if (is_file(directory / "result.json")) {
    found.experiments.push_back(directory);
  } else if (is_file(directory / "run.json")) {
    found.runs.push_back(directory);
  } else {
    for (const fs::path& inner : sorted_directories(directory)) find_below(inner, found);
  }
}

std::string name_of(const fs::path& path, const fs::path& directory) {
  const fs::path relative = path.lexically_relative(directory);
  if (!relative.empty() && relative != ".") return relative.string();
  return fs::absolute(directory / "").lexically_normal().parent_path().filename().string();
}

// How many comparisons came out how.
Paragraph summary_of(const std::vector<Experiment>& experiments) {
  std::vector<std::string> parts;
  for (const Outcome outcome :
       {Outcome::kHolds, Outcome::kFails, Outcome::kUndecided, Outcome::kUnfinished, Outcome::kOpen}) {
    std::size_t count = 0;
    for (const Experiment& experiment : experiments) {
      count += static_cast<std::size_t>(std::ranges::count(experiment.comparisons, outcome, outcome_of));
    }
    if (count > 0) parts.push_back(cat(outcome_text(outcome), ": ", count));
  }
  return {cat("What was expected of each comparison: ", joined(parts, ", "), ".")};
}

}  // namespace

Found find_results(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored)) {
    throw ConfigError(
        cat("[report] directory = ", directory.string(),
            ": must be a directory with results; give the --out of `sterna experiment`, or a --log-dir of "
            "`sterna train`"));
  }
  Found found;
  find_below(directory, found);
  if (found.experiments.empty() && found.runs.empty()) {
    throw ConfigError(
        cat("[report] directory = ", directory.string(),
            ": holds neither a result.json nor a run.json; give the --out of `sterna experiment`, or a "
            "--log-dir of `sterna train`"));
  }
  return found;
}

Document report_of(const fs::path& directory, const Found& found) {
  Document document{.title = cat("Results in ", name_of(directory, directory)), .blocks = {}, .sections = {}};
  std::vector<Experiment> experiments;
  for (const fs::path& path : found.experiments) experiments.push_back(read_experiment(path));
  const bool has_comparisons =
      std::ranges::any_of(experiments, [](const Experiment& e) { return !e.comparisons.empty(); });
  if (has_comparisons) {
    document.blocks.emplace_back(summary_of(experiments));
    document.blocks.emplace_back(verdict_table(experiments));
    document.blocks.emplace_back(how_to_read());
  }
  std::size_t runs = found.runs.size();
  for (const Experiment& experiment : experiments) runs += experiment.variants.size();
  const std::size_t most_points = most_points_of(runs);
  for (const Experiment& experiment : experiments) {
    document.sections.push_back(experiment_section(experiment, most_points));
  }
  std::vector<NamedRun> outside;
  for (const fs::path& path : found.runs) outside.push_back({name_of(path, directory), read_run_log(path)});
  std::ranges::move(side_by_side(outside), std::back_inserter(document.sections));
  for (NamedRun& run : outside) {
    read_layers(run.log);
    document.sections.push_back(run_section(run.log, run.name, most_points));
    run.log.layers.clear();
  }
  return document;
}

}  // namespace sterna::report
