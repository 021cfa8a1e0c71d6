// One axis of a chart: from data to its part of the axis, and where the ticks are.
#pragma once

#include <string>
#include <vector>

namespace sterna::plot {

struct Axis {
  double low = 0.0;
  double high = 1.0;
  bool is_log = false;
  std::vector<double> ticks{};

  // 0 at the low end, 1 at the high one.
  [[nodiscard]] double part(double value) const;
};

// Ticks 1, 2 or 5 times a power of ten apart: those at or within the ends alone, or with ends moved out to
// ticks, so that there is room above the highest value. Equal ends are moved apart.
[[nodiscard]] Axis linear_axis(double low, double high);
[[nodiscard]] Axis linear_axis_to_ticks(double low, double high);

// Of positive ends, with a margin. Ticks at 1, 2 and 5 times powers of ten; at every or every second or third
// power alone where that were too many; and evenly over an axis so short that it holds one at most.
[[nodiscard]] Axis logarithmic_axis(double low, double high);

// Logarithmic, with a tick at each value, or at each second or third where they would touch.
//   values  positive, ascending
[[nodiscard]] Axis axis_of_values(const std::vector<double>& values);

// "0.05", "2000", "1e-07", "2e+06".
[[nodiscard]] std::string tick_text(double value);

}  // namespace sterna::plot
