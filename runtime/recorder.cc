#include "runtime/recorder.h"

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/core/version.h"
#include "runtime/run.h"

namespace sterna {
namespace {

nlohmann::ordered_json parameter_rows(const Run& run) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  const tensor::ParameterTable& table = run.model->parameters();
  for (std::size_t i = 0; i < table.size(); ++i) {
    rows.push_back({{"name", table[i].name},
                    {"shape", table[i].shape},
                    {"kind", tensor::kind_name(table[i].kind)},
                    {"elements", table[i].elements},
                    {"compressed", run.layers().is_compressed(i)}});
    if (const std::optional<double> rate = run.layers().rate(i)) rows.back()["rate"] = *rate;
  }
  return rows;
}

// run.json: what this run is, before its first step.
std::string describe(const Run& run, const std::vector<std::string>& hosts) {
  nlohmann::ordered_json json;
  json["settings"] = to_json(run.config);
  json["versions"] = {{"sterna", kVersion},
                      {"build", kBuild},
                      {"mpi", collectives::MpiSession::library_version()},
                      {"tensor", run.operations().libraries()}};
  if (run.comm.name() == collectives::kNcclName) json["versions"]["nccl"] = collectives::nccl_version();
  json["hosts"] = hosts;
  json["ranks"] = run.comm.ranks();
  json["learners"] = run.config.learners;
  json["device"] = run.device ? "cuda" : "cpu";
  json["transport"] = run.comm.name();
  json["levels"] = run.layers().is_on_two_levels() ? 2 : 1;
  json["steps_per_epoch"] = run.steps_per_epoch;
  json["total_steps"] = run.total_steps;
  json["wire_bytes_are_estimated"] = run.config.sum_order == "any";  // the library's all-reduce does not tell
  json["parameters"] = parameter_rows(run);
  return json.dump(2);
}

// "conv2.weight 50, fc1.weight 400"
std::string rates_of(const Run& run) {
  const tensor::ParameterTable& table = run.model->parameters();
  std::vector<std::string> rates;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (const std::optional<double> rate = run.layers().rate(i)) {
      rates.push_back(cat(table[i].name, " ", *rate));
    }
  }
  return joined(rates, ", ");
}

double norm(std::span<const float> values) {
  double sum = 0.0;
  for (float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

}  // namespace

Recorder::Recorder(const TrainConfig& config, std::uint64_t total_steps, bool is_first_rank)
    : progress_(std::cerr,
                is_first_rank ? record::progress_mode(config.progress) : record::ProgressMode::kOff,
                total_steps),
      log_layers_(config.log_layers),
      is_first_rank_(is_first_rank) {
  if (!is_first_rank || config.log_dir.empty()) return;
  log_ = std::make_unique<record::LogDirectory>(
      record::LogOptions{.directory = config.log_dir,
                         .with_layers = config.log_layers > 0,
                         .with_diagnostics = config.log_diagnostics > 0,
                         .with_choices = config.compressor == kAutoCompressor,
                         .with_csv = config.csv,
                         .overwrite = config.overwrite});
}

void Recorder::begin(const Run& run, const std::vector<std::string>& hosts) {
  if (run.config.layer_rates != "none") note(cat("rates: ", rates_of(run)));
  if (log_) log_->write_run(describe(run, hosts));
}

void Recorder::text(const std::string& name, const std::string& text) {
  if (log_) log_->write_text(name, text);
}

void Recorder::step(const Run& run, const record::StepRecord& record) {
  if (!is_first_rank_) return;
  progress_.step(record);
  if (!log_) return;
  log_->write(record);
  if (log_layers_ > 0 && record.step % log_layers_ == 0) layers(run, record.step);
}

void Recorder::diagnostics(std::span<const record::DiagnosticsRecord> layers) {
  if (!log_) return;
  for (const record::DiagnosticsRecord& layer : layers) log_->write(layer);
}

void Recorder::choice(const CompressorChoice::Change& change) {
  if (!is_first_rank_) return;
  if (log_) log_->write(change.record);
  if (change.note) progress_.note(*change.note);
}

void Recorder::note(const std::string& line) {
  if (is_first_rank_) progress_.note(line);
}

void Recorder::epoch(const record::EpochRecord& record, std::span<const record::RankRecord> ranks) {
  if (!is_first_rank_) return;
  progress_.epoch(record);
  if (!log_) return;
  log_->write(record);
  for (const record::RankRecord& rank : ranks) log_->write(rank);
}

void Recorder::layers(const Run& run, std::uint64_t step) {
  const tensor::ParameterTable& table = run.model->parameters();
  const std::span<const float> residue = run.exchange->residue(0);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const exchange::LayerTraffic& traffic = run.exchange->traffic(i);
    log_->write(record::LayerRecord{
        .step = step,
        .layer = table[i].name,
        .kind = std::string(tensor::kind_name(table[i].kind)),
        .elements = table[i].elements,
        .elements_sent = traffic.elements_sent,
        .payload_bytes = exchange::mean_payload_bytes(traffic),
        .gradient_norm = norm(table.slice(std::span<const float>(run.gradients.front()), i)),
        .residue_norm = residue.empty() ? 0.0 : norm(table.slice(residue, i))});
  }
}

}  // namespace sterna
