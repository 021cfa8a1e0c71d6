// Timing as the benches do it: a warm-up, then timed runs, of which the median is quoted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "runtime/core/clock.h"

namespace sterna::commands {

inline constexpr std::size_t kTimedRuns = 9;

[[nodiscard]] inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

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
