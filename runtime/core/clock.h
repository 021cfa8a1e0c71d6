// Wall time, in seconds.
#pragma once

#include <algorithm>
#include <chrono>

namespace sterna {

using TimePoint = std::chrono::steady_clock::time_point;

// From `begin` to `end`.
struct Interval {
  TimePoint begin;
  TimePoint end;

  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(end - begin).count(); }

  // The part of it that lies within the other.
  [[nodiscard]] double seconds_within(const Interval& other) const {
    return std::max(0.0, Interval{std::max(begin, other.begin), std::min(end, other.end)}.seconds());
  }
};

// Runs from its construction or last restart.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  void restart() { start_ = std::chrono::steady_clock::now(); }

  // From the start until now.
  [[nodiscard]] Interval interval() const { return {start_, std::chrono::steady_clock::now()}; }

 private:
  TimePoint start_ = std::chrono::steady_clock::now();
};

}  // namespace sterna
