// What a person sees while a run goes on, on rank 0: on a terminal one line that renews itself, elsewhere
// plain lines.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "runtime/core/clock.h"
#include "runtime/record/records.h"

namespace sterna::record {

enum class ProgressMode { kAuto, kOn, kOff };

// Returns the mode of "auto", "on" or "off"; throws ConfigError for any other.
[[nodiscard]] ProgressMode progress_mode(std::string_view name);

class Progress {
 public:
  // kAuto: a renewing line where `out` is the standard error output and that is a terminal, else a plain line
  // every ten seconds; kOn: the renewing line; kOff: no line within an epoch.
  Progress(std::ostream& out, ProgressMode mode, std::uint64_t total_steps);

  void step(const StepRecord& record);
  void epoch(const EpochRecord& record);

  // A line of its own, but in mode kOff.
  void note(const std::string& line);

 private:
  void clear_renewing_line();
  [[nodiscard]] std::string step_line(const StepRecord& record) const;

  std::ostream& out_;
  ProgressMode mode_;
  bool renews_;
  std::uint64_t total_steps_;
  std::size_t shown_characters_ = 0;
  double next_seconds_ = 0.0;
  Stopwatch since_start_;
  std::uint64_t first_step_ = 0;
  bool has_started_ = false;
};

}  // namespace sterna::record
