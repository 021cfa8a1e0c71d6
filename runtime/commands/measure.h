// Timing as the benches do it: a warm-up, then timed runs, of which the median is quoted.
#pragma once

#include <cstddef>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/core/clock.h"
#include "runtime/core/median.h"

namespace sterna::commands {

inline constexpr std::size_t kTimedRuns = 9;

// Seconds that `work` takes.
[[nodiscard]] inline double seconds_of(const std::function<void()>& work) {
  const Stopwatch clock;
  work();
  return clock.seconds();
}

// With --json one line of JSON; else a line a field, for people.
inline void print_result(const nlohmann::ordered_json& result, bool as_json) {
  if (as_json) {
    std::cout << result.dump() << "\n";
    return;
  }
  for (const auto& [key, value] : result.items()) std::cout << key << ": " << value.dump() << "\n";
}

}  // namespace sterna::commands
