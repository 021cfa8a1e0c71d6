#include "runtime/compressor_choice.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "runtime/core/median.h"

namespace sterna {
namespace {

using exchange::Method;

constexpr std::size_t kSettlingSteps = 2;  // buffers grow, residues of another method are sent
constexpr std::size_t kWatchedSteps = 5;
constexpr double kGiveUpAt = 2.0;  // times the best so far
constexpr double kTolerance = 1.03;
constexpr double kNear = 1.25;  // times the best: what is tried again
constexpr int kRepeats = 2;
constexpr std::size_t kComparedSteps = 20, kMostComparedSteps = 5120;
constexpr double kSlower = 1.25, kFaster = 0.8;

// The order of trials: what is likely to be fast comes first, so that the others can be given up early.
constexpr std::array kTried = {Method::kConfigured, Method::kFloat16, Method::kDense};

double most_of_ranks(collectives::Communicator& comm, double mine) {
  return std::ranges::max(collectives::all_gather_value(comm, mine));
}

// Of all ranks, the most; of the exchange the least, for the rank that comes last waits for nobody.
MethodCost agreed(collectives::Communicator& comm, const MethodCost& mine) {
  const std::vector<MethodCost> all = collectives::all_gather_value(comm, mine);
  return {.compress_seconds = std::ranges::max(all, {}, &MethodCost::compress_seconds).compress_seconds,
          .exchange_seconds = std::ranges::min(all, {}, &MethodCost::exchange_seconds).exchange_seconds,
          .wire_bytes = std::ranges::max(all, {}, &MethodCost::wire_bytes).wire_bytes};
}

double median_of(const std::vector<record::StepRecord>& records, double record::StepRecord::*member) {
  std::vector<double> values;
  for (const record::StepRecord& record : records) values.push_back(record.*member);
  return median(std::move(values));
}

std::string milliseconds(double seconds) {
  std::array<char, 40> text{};
  STERNA_CHECK(std::snprintf(text.data(), text.size(), "%.3g ms", seconds * 1e3) > 0);
  return text.data();
}

}  // namespace

std::string read_choices(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  if (!file || !(contents << file.rdbuf())) {
    throw ConfigError(
        cat("[train] auto-choices = ", path, ": cannot read it; give choices.jsonl of an earlier run"));
  }
  return contents.str();
}

PlannedMethods parse_choices(const std::string& text, const std::string& compressor, std::size_t parameters) {
  PlannedMethods planned;
  std::istringstream lines(text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool is_row = row.is_object() && row.contains("step") && row["step"].is_number_unsigned() &&
                        row.contains("methods") && row["methods"].is_string();
    if (!is_row) {
      throw ConfigError(cat("[train] auto-choices, line ", number,
                            ": must be an object with step and methods, as choices.jsonl of a run has them"));
    }
    planned[row["step"].get<std::uint64_t>()] = methods_of_text(row["methods"], compressor, parameters);
  }
  if (!planned.contains(0)) {
    throw ConfigError("[train] auto-choices: says nothing of step 0; give choices.jsonl as a run wrote it");
  }
  return planned;
}

CompressorChoice::CompressorChoice(Run& run, PlannedMethods planned)
    : run_(run), planned_(std::move(planned)), is_open_(run.config.compressor == kAutoCompressor) {}

std::vector<Method> CompressorChoice::all(Method method) const {
  std::vector<Method> methods(run_.model->parameters().size(), Method::kDense);
  for (std::size_t i = 0; i < methods.size(); ++i) {
    if (run_.exchange->is_compressed(i)) methods[i] = method;
  }
  return methods;
}

std::optional<CompressorChoice::Change> CompressorChoice::begin() {
  if (!is_open_) return std::nullopt;
  if (!planned_.empty()) return change_to(planned_.at(0), 0, "planned");
  if (run_.comm.ranks() > 1) {
    Change change = begin_trials(0, std::nullopt);
    first_step_ = run_.config.compress_after_epochs * run_.steps_per_epoch;  // until then all is dense
    return change;
  }
  Change change = change_to(all(Method::kDense), 0, "chosen");
  change.note = "compressor: none, for one rank has nobody to send to";
  is_open_ = false;
  return change;
}

std::optional<CompressorChoice::Change> CompressorChoice::after_step(const record::StepRecord& record) {
  if (!is_open_) return std::nullopt;
  if (!planned_.empty()) {
    const auto found = planned_.find(record.step + 1);
    if (found == planned_.end()) return std::nullopt;
    return change_to(found->second, record.step + 1, "planned");
  }
  if (!is_trying_) return watch_for_change(record);
  if (record.step < first_step_) return std::nullopt;
  records_.push_back(record);
  step_seconds_.push_back(most_of_ranks(run_.comm, record.step_seconds));
  if (!is_over(step_seconds_.back())) return std::nullopt;
  close_trial();
  return try_next(record.step + 1);
}

CompressorChoice::Change CompressorChoice::begin_trials(std::uint64_t first_step,
                                                        std::optional<std::string> note) {
  trials_.clear();
  repeats_.clear();
  has_planned_repeats_ = false;
  is_trying_ = true;
  Change change = try_next(first_step);
  change.note = std::move(note);
  return change;
}

// After the three methods, each layer's cheapest of them, unless that is one of the three; then those that
// are near the best again.
CompressorChoice::Change CompressorChoice::try_next(std::uint64_t first_step) {
  records_.clear();
  step_seconds_.clear();
  first_step_ = first_step;
  if (trials_.size() < kTried.size()) {
    const std::vector<Method> methods = all(kTried[trials_.size()]);
    constexpr std::array kNames = {"", "fp16", "none"};
    const std::size_t number = trials_.size();
    current_ = number;
    trials_.push_back(
        {.name = number == 0 ? run_.config.auto_compressor : kNames[number], .methods = methods});
    return change_to(methods, first_step, "trial");
  }
  if (trials_.size() == kTried.size()) {
    const std::vector<Method> methods = cheapest_by_layer();
    if (std::ranges::find(trials_, methods, &Trial::methods) == trials_.end()) {
      current_ = trials_.size();
      trials_.push_back({.name = "by layer", .methods = methods});
      return change_to(methods, first_step, "trial");
    }
  }
  return try_again(first_step);
}

CompressorChoice::Change CompressorChoice::try_again(std::uint64_t first_step) {
  if (!has_planned_repeats_) plan_repeats();
  if (repeats_.empty()) return settle(first_step);
  current_ = repeats_.front();
  repeats_.pop_front();
  return change_to(trials_[current_].methods, first_step, "trial");
}

void CompressorChoice::plan_repeats() {
  has_planned_repeats_ = true;
  const double most = kNear * std::ranges::min(trials_, {}, &Trial::step_seconds).step_seconds;
  if (std::ranges::count_if(trials_, [&](const Trial& t) { return t.step_seconds <= most; }) < 2) return;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    for (std::size_t t = 0; t < trials_.size(); ++t) {
      if (trials_[t].step_seconds <= most) repeats_.push_back(t);
    }
  }
}

bool CompressorChoice::is_over(double step_seconds) const {
  if (records_.size() == kSettlingSteps + kWatchedSteps) return true;
  if (records_.size() < kSettlingSteps || trials_.size() == 1 || has_planned_repeats_) return false;
  const auto done = std::span(trials_).first(trials_.size() - 1);
  return step_seconds > kGiveUpAt * std::ranges::min(done, {}, &Trial::step_seconds).step_seconds;
}

void CompressorChoice::close_trial() {
  // What was given up has but its last step.
  const std::size_t settling = std::min(kSettlingSteps, records_.size() - 1);
  records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(settling));
  step_seconds_.erase(step_seconds_.begin(), step_seconds_.begin() + static_cast<std::ptrdiff_t>(settling));
  Trial& trial = trials_[current_];
  trial.seconds.insert(trial.seconds.end(), step_seconds_.begin(), step_seconds_.end());
  trial.step_seconds = median(trial.seconds);
  if (has_planned_repeats_) return;
  trial.cost =
      agreed(run_.comm, {.compress_seconds = median_of(records_, &record::StepRecord::compress_seconds),
                         .exchange_seconds = median_of(records_, &record::StepRecord::exchange_seconds),
                         .wire_bytes = static_cast<double>(records_.back().wire_bytes_sent)});
  for (std::size_t i = 0; i < run_.model->parameters().size(); ++i) {
    trial.payload_bytes.push_back(
        static_cast<double>(exchange::mean_payload_bytes(run_.exchange->traffic(i))));
  }
}

std::vector<Method> CompressorChoice::cheapest_by_layer() const {
  const tensor::ParameterTable& table = run_.model->parameters();
  std::vector<LayerCost> layers(table.size());
  std::array<MethodCost, kMethods> costs;
  for (std::size_t t = 0; t < kTried.size(); ++t) {
    const auto method = static_cast<std::size_t>(kTried[t]);
    costs[method] = trials_[t].cost;
    for (std::size_t i = 0; i < table.size(); ++i)
      layers[i].payload_bytes[method] = trials_[t].payload_bytes[i];
  }
  for (std::size_t i = 0; i < table.size(); ++i) {
    layers[i].elements = table[i].elements;
    layers[i].may_be_compressed = run_.exchange->is_compressed(i);
  }
  return cheapest_methods(layers, costs);
}

CompressorChoice::Change CompressorChoice::settle(std::uint64_t first_step) {
  // What keeps most of the gradient comes first.
  std::swap(trials_[0], trials_[2]);
  std::vector<double> seconds;
  for (const Trial& trial : trials_) seconds.push_back(trial.step_seconds);
  const Trial& best = trials_[first_near_least(seconds, kTolerance)];
  is_trying_ = false;
  settled_seconds_ = 0.0;
  compared_steps_ =
      best.methods == settled_methods_ ? std::min(2 * compared_steps_, kMostComparedSteps) : kComparedSteps;
  settled_methods_ = best.methods;
  Change change = change_to(best.methods, first_step, "chosen");
  std::string note = cat("compressor: ", best.name, ", of");
  for (const Trial& trial : trials_) {
    note += cat(&trial == trials_.data() ? " " : ", ", trial.name, " ", milliseconds(trial.step_seconds));
  }
  change.note = note + " a step";
  return change;
}

std::optional<CompressorChoice::Change> CompressorChoice::watch_for_change(const record::StepRecord& record) {
  step_seconds_.push_back(record.step_seconds);
  if (step_seconds_.size() < compared_steps_) return std::nullopt;
  const double seconds = most_of_ranks(run_.comm, median(std::exchange(step_seconds_, {})));
  if (settled_seconds_ == 0.0) settled_seconds_ = seconds;
  if (seconds <= kSlower * settled_seconds_ && seconds >= kFaster * settled_seconds_) return std::nullopt;
  return begin_trials(record.step + 1, cat("compressor: steps take ", milliseconds(seconds), ", no longer ",
                                           milliseconds(settled_seconds_), "; measuring again"));
}

CompressorChoice::Change CompressorChoice::change_to(const std::vector<Method>& methods,
                                                     std::uint64_t first_step, std::string reason) {
  run_.exchange->set_methods(methods);
  return {.record = {.step = first_step,
                     .reason = std::move(reason),
                     .methods = to_text(methods, run_.config.auto_compressor)},
          .note = std::nullopt};
}

}  // namespace sterna
