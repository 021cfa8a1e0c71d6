// --compressor auto: how each layer travels, chosen from what steps took, while training goes on.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/method_costs.h"
#include "runtime/record/records.h"
#include "runtime/run.h"

namespace sterna {

// What layers travel by, from a step on.
using PlannedMethods = std::map<std::uint64_t, std::vector<exchange::Method>>;

// Contents of choices.jsonl of an earlier run. Throws ConfigError.
[[nodiscard]] std::string read_choices(const std::string& path);
[[nodiscard]] PlannedMethods parse_choices(const std::string& text, const std::string& compressor,
                                           std::size_t parameters);

// A trial is some steps in which all layers travel one way: through the compressor, as fp16, dense; and then
// each by the method that the three trials say is the cheapest for it. What is slow is given up after two
// steps. Those that come near the best are tried twice more, in turn: five steps cannot tell them apart, and
// the first trial pays for what a run does once. The first of dense, fp16, compressor, by layer stays that
// takes at most 3 % more than the best. Then every twenty steps are held against the first twenty; where they
// take a quarter more, or a fifth less, trials begin again. Where these come to the same choice, it was
// noise: twice as many steps are compared from then on.
//
// What is chosen depends on clocks, so two runs need not have the same bits; choices.jsonl has what the bits
// depend on, and a run that is given it as --auto-choices has the same.
class CompressorChoice {
 public:
  // Does nothing unless `run` is --compressor auto.
  //   planned  by parse_choices(), or empty: by measurement. The same on every rank
  CompressorChoice(Run& run, PlannedMethods planned);

  struct Change {
    record::ChoiceRecord record;
    std::optional<std::string> note;  // what was chosen, or why it is looked for again; one line
  };

  // Before the first step, and after each. Collective. The change holds from the next step on.
  [[nodiscard]] std::optional<Change> begin();
  [[nodiscard]] std::optional<Change> after_step(const record::StepRecord& record);

  // False during trials, in which nothing else should be changed.
  [[nodiscard]] bool is_settled() const { return !is_trying_; }

 private:
  struct Trial {
    std::string name;
    std::vector<exchange::Method> methods;
    MethodCost cost{};
    std::vector<double> payload_bytes{};  // by parameter
    std::vector<double> seconds{};        // of its watched steps
    double step_seconds = 0.0;            // their median
  };

  [[nodiscard]] Change begin_trials(std::uint64_t first_step, std::optional<std::string> note);
  [[nodiscard]] Change try_next(std::uint64_t first_step);
  [[nodiscard]] Change try_again(std::uint64_t first_step);
  void plan_repeats();
  [[nodiscard]] Change settle(std::uint64_t first_step);
  [[nodiscard]] std::optional<Change> watch_for_change(const record::StepRecord& record);
  [[nodiscard]] Change change_to(const std::vector<exchange::Method>& methods, std::uint64_t first_step,
                                 std::string reason);
  [[nodiscard]] std::vector<exchange::Method> cheapest_by_layer() const;
  [[nodiscard]] std::vector<exchange::Method> all(exchange::Method method) const;
  [[nodiscard]] bool is_over(double step_seconds) const;
  void close_trial();

  Run& run_;
  PlannedMethods planned_;
  bool is_open_;  // whether there is anything to choose
  bool is_trying_ = false;
  std::vector<Trial> trials_;
  std::size_t current_ = 0;           // of trials_, the one that goes on
  bool has_planned_repeats_ = false;  // once each trial was made
  std::deque<std::size_t> repeats_;   // of trials_, to be made again
  std::uint64_t first_step_ = 0;
  std::vector<double> step_seconds_;  // of the trial, or since the last comparison; of the slowest rank
  std::vector<record::StepRecord> records_;
  double settled_seconds_ = 0.0;  // median of the first steps since the choice; 0: not known yet
  std::vector<exchange::Method> settled_methods_;
  std::size_t compared_steps_ = 0;
};

}  // namespace sterna
