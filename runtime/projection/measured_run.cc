#include "runtime/projection/measured_run.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "runtime/core/errors.h"
#include "runtime/core/median.h"
#include "runtime/record/log_files.h"

namespace sterna::projection {
namespace {

using nlohmann::json;

constexpr record::LogReader kReader{.part = "project", .writer = "sterna train"};

// The logs of `sterna train` or nothing: said of the first file that is read.
json read_description_file(const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(path)) return kReader.read_json(path);
  throw ConfigError(cat("[project] run = ", path.parent_path().string(), ": cannot read ",
                        path.filename().string(), " there; must be a --log-dir of `sterna train`"));
}

void for_each_line(const std::filesystem::path& path, const std::function<void(const json&)>& take) {
  kReader.for_each_row(path, /*may_be_cut=*/false, take);
}

// A number of at least `least`.
double number(const json& row, const char* key, double least) {
  const double value = row.at(key).get<double>();
  if (value >= least) return value;
  throw json::other_error::create(501, cat(key, " = ", value, " is less than ", least), &row);
}

std::uint32_t count(const json& row, const char* key) {
  const double value = number(row, key, 1.0);
  if (value > 1 << 20) throw json::other_error::create(501, cat(key, " = ", value, " is too large"), &row);
  return static_cast<std::uint32_t>(value);
}

// What run.json says beside the layers.
struct Settings {
  bool is_sparse_sum = false;
  double compressed_from_epoch = 0.0;
};

std::vector<Layer> read_layers(const json& rows, const std::string& compressor) {
  std::vector<Layer> layers;
  bool has_convolution = false;
  for (const json& row : rows) {
    Layer layer{.name = row.at("name").get<std::string>(),
                .kind = row.at("kind").get<std::string>(),
                .elements = number(row, "elements", 0.0),
                .may_be_compressed = row.at("compressed").get<bool>(),
                .method = {}};
    const bool is_first_convolution = layer.kind == "convolution" && !has_convolution;
    has_convolution = has_convolution || is_first_convolution;
    layer.method = layer.may_be_compressed ? compressor : "none";
    // A dense run does not say which layers another compressor would leave alone.
    if (compressor == "none") layer.may_be_compressed = !stays_dense(layer, is_first_convolution);
    layers.push_back(std::move(layer));
  }
  return layers;
}

Settings read_description(const std::filesystem::path& path, MeasuredRun& run) {
  const json description = read_description_file(path);
  Settings found;
  kReader.guard(path.string(), [&] {
    const json& settings = description.at("settings");
    run.model = settings.at("model").get<std::string>();
    run.compressor = settings.at("compressor").get<std::string>();
    run.rate = number(settings, "rate", 1.0);
    run.samples = number(settings, "batch", 1.0);
    run.is_overlapped = settings.at("overlap").get<std::string>() == "on";
    run.has_open_buckets = number(settings, "bucket-bytes", 0.0) == 0.0;
    run.sums_in_any_order = settings.at("sum-order").get<std::string>() == "any";
    run.learners = count(description, "learners");
    const std::uint32_t ranks = count(description, "ranks");
    run.layout = {.ranks = ranks, .learners_per_rank = std::max(1u, run.learners / ranks), .buckets = 1};
    const auto hosts = description.at("hosts").get<std::set<std::string>>();
    run.hosts = hosts.size();
    run.layers = read_layers(description.at("parameters"), run.compressor);
    found = {.is_sparse_sum = settings.at("gather").get<std::string>() == "sparse-sum",
             .compressed_from_epoch = number(settings, "compress-after-epochs", 0.0)};
  });
  return found;
}

// Gives the layers the methods of the last choice; returns the step from which it holds.
double read_choices(const std::filesystem::path& path, std::vector<Layer>& layers) {
  double from_step = 0.0;
  bool is_empty = true;
  for_each_line(path, [&](const json& row) {
    is_empty = false;
    from_step = number(row, "step", 0.0);
    std::istringstream words(row.at("methods").get<std::string>());
    std::size_t known = 0;
    for (Layer& layer : layers) known += words >> layer.method ? 1 : 0;
    std::string more;
    if (known != layers.size() || words >> more) {
      throw json::other_error::create(501, cat("methods are not of ", layers.size(), " parameters"), &row);
    }
  });
  if (is_empty) throw ConfigError(cat("[project] ", path.string(), ": is empty; the run made no choice yet"));
  return from_step;
}

// A line of steps.jsonl, as far as it is of use.
struct Step {
  double step, compute, compress, exchange, exposed, wire_bytes, payload_bytes, elements_sent, buckets;
  double other = 0.0;
};

Step step_of(const json& row) {
  Step step{.step = number(row, "step_seconds", 0.0),
            .compute = number(row, "compute_seconds", 0.0),
            .compress = number(row, "compress_seconds", 0.0),
            .exchange = number(row, "exchange_seconds", 0.0),
            .exposed = number(row, "exposed_seconds", 0.0),
            .wire_bytes = number(row, "wire_bytes_sent", 0.0),
            .payload_bytes = number(row, "payload_bytes", 0.0),
            .elements_sent = number(row, "elements_sent", 0.0),
            .buckets = number(row, "buckets", 1.0)};
  const double exposed_part = step.exchange > 0.0 ? step.exposed / step.exchange : 1.0;
  step.other = std::max(0.0, step.step - step.compute - step.exposed - step.compress * exposed_part);
  return step;
}

std::vector<Step> read_steps(const std::filesystem::path& path, double from_epoch, double from_step) {
  std::vector<Step> steps;
  for_each_line(path, [&](const json& row) {
    const Step step = step_of(row);
    if (number(row, "epoch", 0.0) >= from_epoch && number(row, "step", 0.0) >= from_step)
      steps.push_back(step);
  });
  if (steps.empty()) {
    throw ConfigError(
        cat("[project] ", path.string(), ": holds no step",
            from_epoch > 0.0 || from_step > 0.0 ? " of those that are compressed as the last" : "",
            "; let the run make some more"));
  }
  steps.erase(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2));
  return steps;
}

double median_of(const std::vector<Step>& steps, double Step::*member) {
  std::vector<double> values;
  for (const Step& step : steps) values.push_back(step.*member);
  return median(std::move(values));
}

double mean_of(const std::vector<Step>& steps, double Step::*member) {
  double sum = 0.0;
  for (const Step& step : steps) sum += step.*member;
  return sum / static_cast<double>(steps.size());
}

void take_figures(const std::vector<Step>& steps, MeasuredRun& run) {
  run.steps = steps.size();
  run.step_seconds = median_of(steps, &Step::step);
  run.compute_seconds = median_of(steps, &Step::compute);
  run.compress_seconds = median_of(steps, &Step::compress);
  run.exchange_seconds = median_of(steps, &Step::exchange);
  run.exposed_seconds = median_of(steps, &Step::exposed);
  run.other_seconds = median_of(steps, &Step::other);
  run.wire_bytes_sent = mean_of(steps, &Step::wire_bytes);
  run.layout.buckets = static_cast<std::size_t>(steps.back().buckets);
}

}  // namespace

MeasuredRun read_run(const std::filesystem::path& directory) {
  MeasuredRun run{.directory = directory};
  const Settings settings = read_description(directory / "run.json", run);
  double from_step = 0.0;
  if (run.compressor == "auto") from_step = read_choices(directory / "choices.jsonl", run.layers);
  const std::vector<Step> steps =
      read_steps(directory / "steps.jsonl", settings.compressed_from_epoch, from_step);
  take_figures(steps, run);
  run.payload = payload_of_log({.payload_bytes = mean_of(steps, &Step::payload_bytes),
                                .elements_sent = mean_of(steps, &Step::elements_sent),
                                .learners = static_cast<double>(run.learners),
                                .is_sparse_sum = settings.is_sparse_sum},
                               run.layers);
  return run;
}

}  // namespace sterna::projection
