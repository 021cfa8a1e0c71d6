#include "runtime/experiment/result.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include "runtime/core/errors.h"
#include "runtime/record/log_files.h"

namespace sterna::experiment {
namespace {

using nlohmann::ordered_json;

constexpr record::LogReader kReader{
    .part = "experiment", .writer = "sterna experiment", .remedy = "remove it, and it is written anew"};

template <typename Value>
void require_same(const Comparison& now, const nlohmann::json& before, const char* key, const Value& value,
                  const std::filesystem::path& file) {
  if (before.at(key) == value) return;
  throw ConfigError(cat("[experiment] ", key, " = ", nlohmann::json(value).dump(), " of ", now.variant,
                        " against ", now.baseline, ": was ", before.at(key).dump(), " when ", file.string(),
                        " was written; what is expected is set before the runs: put it back, or remove that "
                        "file to judge them anew"));
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

VariantResult summarise_variant(const std::string& name, const std::vector<RunSummary>& runs) {
  VariantResult result{.name = name, .runs = runs, .estimate = std::nullopt};
  std::vector<double> values;
  for (const RunSummary& run : runs) {
    if (!run.value) continue;
    values.push_back(*run.value);
    result.payload_bytes += run.payload_bytes;
    result.compression_rate += compression_rate(run);
  }
  if (values.empty()) return result;
  result.estimate = estimate(values);
  result.payload_bytes /= static_cast<double>(values.size());
  result.compression_rate /= static_cast<double>(values.size());
  return result;
}

const VariantResult& find_variant(const std::vector<VariantResult>& variants, const std::string& name) {
  const auto found = std::ranges::find(variants, name, &VariantResult::name);
  STERNA_CHECK((found != variants.end()) == true);
  return *found;
}

// By seed; runs that failed say nothing.
std::vector<Pair> pairs_of(const VariantResult& variant, const VariantResult& baseline) {
  std::vector<Pair> pairs;
  for (const RunSummary& run : variant.runs) {
    const auto other = std::ranges::find(baseline.runs, run.seed, &RunSummary::seed);
    if (other == baseline.runs.end()) continue;
    if (run.status == RunStatus::kFailed || other->status == RunStatus::kFailed) continue;
    pairs.push_back({.variant = run.value, .baseline = other->value});
  }
  return pairs;
}

ordered_json to_json(const RunSummary& run) {
  ordered_json json = {{"seed", run.seed}, {"directory", run.directory}, {"status", status_name(run.status)}};
  if (run.value) json["value"] = *run.value;
  json["steps"] = run.steps;
  json["payload_bytes"] = run.payload_bytes;
  json["compression_rate"] = compression_rate(run);
  json["wire_bytes_sent"] = run.wire_bytes_sent;
  json["seconds"] = run.seconds;
  return json;
}

ordered_json to_json(const VariantResult& variant, const Flags& flags) {
  ordered_json json = {{"name", variant.name}, {"settings", flags}, {"runs", ordered_json::array()}};
  for (const RunSummary& run : variant.runs) json["runs"].push_back(to_json(run));
  if (!variant.estimate) return json;
  json["mean"] = variant.estimate->mean;
  if (const auto& bounds = variant.estimate->bounds) {
    json["low"] = bounds->low;
    json["high"] = bounds->high;
  }
  json["payload_bytes"] = variant.payload_bytes;
  json["compression_rate"] = variant.compression_rate;
  return json;
}

ordered_json to_json(const ComparisonResult& comparison) {
  const Comparison& asked = comparison.asked;
  ordered_json json = {{"variant", asked.variant},
                       {"baseline", asked.baseline},
                       {"expected", asked.expected},
                       {"margin", asked.margin},
                       {"is_margin_relative", asked.is_margin_relative},
                       {"pairs", comparison.pairs},
                       {"pairs_done", comparison.difference.pairs}};
  if (const auto& estimate = comparison.difference.estimate) {
    json["difference"] = estimate->mean;
    if (estimate->bounds) {
      json["low"] = estimate->bounds->low;
      json["high"] = estimate->bounds->high;
    }
  }
  json["verdict"] = verdict_name(comparison.difference.verdict);
  json["is_by_divergence"] = comparison.difference.is_by_divergence;
  if (const auto holds = comparison.holds()) json["holds"] = *holds;
  return json;
}

}  // namespace

std::optional<bool> ComparisonResult::holds() const {
  if (asked.expected == "open" || !is_finished()) return std::nullopt;
  return verdict_name(difference.verdict) == asked.expected;
}

double compression_rate(const RunSummary& run) {
  return run.payload_bytes > 0.0 ? run.dense_bytes / run.payload_bytes : 1.0;
}

ExperimentResult make_result(const Definition& definition, const std::vector<std::vector<RunSummary>>& runs) {
  STERNA_CHECK(runs.size() == definition.variants.size());
  ExperimentResult result{.definition = definition,
                          .processor = processor_name(),
                          .cores = std::thread::hardware_concurrency(),
                          .variants = {},
                          .comparisons = {}};
  for (std::size_t v = 0; v < runs.size(); ++v) {
    result.variants.push_back(summarise_variant(definition.variants[v].name, runs[v]));
    for (const RunSummary& run : runs[v]) result.seconds += run.seconds;
  }
  for (const Comparison& asked : definition.comparisons) {
    const std::vector<Pair> pairs =
        pairs_of(find_variant(result.variants, asked.variant), find_variant(result.variants, asked.baseline));
    result.comparisons.push_back(
        {.asked = asked,
         .pairs = pairs.size(),
         .planned = definition.planned_seeds,
         .difference = compare(pairs, asked.margin, asked.is_margin_relative, definition.is_higher_better)});
  }
  return result;
}

void require_same_expectations(const Definition& definition, const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return;
  const nlohmann::json earlier = kReader.read_json(file);
  kReader.guard(file.string(), [&] {
    const bool has_runs = std::ranges::any_of(
        earlier.at("variants"), [](const auto& variant) { return !variant.at("runs").empty(); });
    if (!has_runs) return;
    for (const Comparison& now : definition.comparisons) {
      for (const auto& before : earlier.at("comparisons")) {
        if (before.at("variant") != now.variant || before.at("baseline") != now.baseline) continue;
        require_same(now, before, "margin", now.margin, file);
        require_same(now, before, "is_margin_relative", now.is_margin_relative, file);
        require_same(now, before, "expected", now.expected, file);
      }
    }
  });
}

ordered_json to_json(const ExperimentResult& result) {
  const Definition& d = result.definition;
  ordered_json json = {{"experiment", d.name},
                       {"title", d.title},
                       {"claim", d.claim},
                       {"source", d.source},
                       {"size", d.is_quick ? "quick" : "full"},
                       {"measure", d.measure},
                       {"higher_is_better", d.is_higher_better},
                       {"seeds", d.planned_seeds},
                       {"settings", d.settings},
                       {"machine", {{"processor", result.processor}, {"cores", result.cores}}},
                       {"seconds", result.seconds},
                       {"variants", ordered_json::array()},
                       {"comparisons", ordered_json::array()}};
  for (std::size_t v = 0; v < result.variants.size(); ++v) {
    json["variants"].push_back(to_json(result.variants[v], d.variants[v].flags));
  }
  for (const ComparisonResult& comparison : result.comparisons)
    json["comparisons"].push_back(to_json(comparison));
  return json;
}

}  // namespace sterna::experiment
