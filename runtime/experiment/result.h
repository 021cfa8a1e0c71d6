// What an experiment has shown: result.json, which `sterna report` reads.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/experiment/definition.h"
#include "runtime/experiment/run_logs.h"
#include "runtime/experiment/statistics.h"

namespace sterna::experiment {

struct VariantResult {
  std::string name;
  std::vector<RunSummary> runs;      // that have ended, by seed
  std::optional<Estimate> estimate;  // of the measure, over runs that are done
  double payload_bytes = 0.0;        // mean over runs that are done
  double compression_rate = 0.0;     // likewise
};

struct ComparisonResult {
  Comparison asked;
  std::size_t pairs = 0;  // seeds with which both have ended and did not fail
  std::size_t planned = 0;
  Difference difference;

  [[nodiscard]] bool is_finished() const { return pairs >= planned; }
  // Whether the verdict is what was expected; none where nothing was, or where pairs are missing.
  [[nodiscard]] std::optional<bool> holds() const;
};

struct ExperimentResult {
  Definition definition;
  std::string processor;
  std::size_t cores = 0;
  double seconds = 0.0;  // of all runs
  std::vector<VariantResult> variants;
  std::vector<ComparisonResult> comparisons;
};

// Dense bytes over payload bytes; 1 where there are none.
[[nodiscard]] double compression_rate(const RunSummary& run);

//   runs  by variant, each by seed
[[nodiscard]] ExperimentResult make_result(const Definition& definition,
                                           const std::vector<std::vector<RunSummary>>& runs);

[[nodiscard]] nlohmann::ordered_json to_json(const ExperimentResult& result);

// Throws ConfigError where `file`, an earlier result.json, has a run, and a comparison of the definition with
// another margin or expectation: these are set before the runs.
void require_same_expectations(const Definition& definition, const std::filesystem::path& file);

}  // namespace sterna::experiment
