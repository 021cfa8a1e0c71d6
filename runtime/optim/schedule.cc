#include "runtime/optim/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "runtime/core/errors.h"

namespace sterna::optim {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"constant", "cosine", "linear", "step"};

void validate(const ScheduleOptions& options) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (!(options.learning_rate > 0.0 && options.learning_rate <= kLargest)) {
    throw ConfigError(cat("[optim] lr = ", options.learning_rate,
                          ": must be positive and finite in float32; 0.1 is common for sgd, 0.001 for adam"));
  }
  if (options.total_steps == 0) {
    throw ConfigError("[optim] total steps = 0: must be at least 1; train for a step or more");
  }
  if (options.warmup_steps > options.total_steps) {
    throw ConfigError(cat("[optim] warmup-steps = ", options.warmup_steps, ": must be at most the ",
                          options.total_steps, " steps in all; warm up for less, or train longer"));
  }
}

// Whole steps, so that no border depends on how a fraction rounds: ceil(total / 3), ceil(2 total / 3), ceil(8
// total / 9).
double step_divisor(std::uint64_t step, std::uint64_t total) {
  const std::uint64_t first = total / 3 + (total % 3 != 0 ? 1 : 0);
  double divisor = 1.0;
  for (std::uint64_t border : {first, total - total / 3, total - total / 9}) {
    if (step >= border) divisor *= 10.0;
  }
  return divisor;
}

// Share of the steps after the warm-up that lie before `step`, in [0, 1].
double progress(std::uint64_t step, const ScheduleOptions& options) {
  if (step >= options.total_steps) return 1.0;
  return static_cast<double>(step - options.warmup_steps) /
         static_cast<double>(options.total_steps - options.warmup_steps);
}

}  // namespace

Schedule::Schedule(std::string_view name, const ScheduleOptions& options) : options_(options) {
  validate(options);
  if (name == "constant") {
    kind_ = Kind::kConstant;
  } else if (name == "cosine") {
    kind_ = Kind::kCosine;
  } else if (name == "linear") {
    kind_ = Kind::kLinear;
  } else if (name == "step") {
    kind_ = Kind::kStep;
  } else {
    throw ConfigError(
        cat("[optim] schedule = ", name, ": no such schedule; this build has ", joined(kNames, ", ")));
  }
}

float Schedule::learning_rate(std::uint64_t step) const {
  const double peak = options_.learning_rate;
  if (step < options_.warmup_steps) {
    return static_cast<float>(peak * (static_cast<double>(step) + 1.0) /
                              static_cast<double>(options_.warmup_steps));
  }
  switch (kind_) {
    case Kind::kConstant:
      break;
    case Kind::kStep:
      return static_cast<float>(peak / step_divisor(step, options_.total_steps));
    case Kind::kCosine:
      return static_cast<float>(peak * 0.5 * (1.0 + std::cos(std::numbers::pi * progress(step, options_))));
    case Kind::kLinear:
      return static_cast<float>(peak * (1.0 - progress(step, options_)));
  }
  return static_cast<float>(peak);
}

std::span<const std::string_view> Schedule::names() {
  return kNames;
}

}  // namespace sterna::optim
