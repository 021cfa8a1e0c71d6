#include "runtime/plot/axis.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"

namespace sterna::plot {
namespace {

// 1, 2 or 5 times a power of ten, so that about `wanted` of them make up `range`.
double round_step(double range, double wanted) {
  const double rough = range / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) return factor * power;
  }
  return 10.0 * power;
}

// Multiples of `step` at or between the ends, but for rounding.
std::vector<double> multiples(double step, double low, double high) {
  std::vector<double> all;
  const double first = std::ceil(low / step - 1e-4);
  for (double k = first; k * step <= high + 1e-4 * step; ++k) all.push_back(k * step);
  return all;
}

// Equal ends hold no step: around a number there is room up to its double, around 0 up to 1.
void move_apart(double& low, double& high) {
  if (high - low > 1e-12 * std::abs(high)) return;
  if (high == 0.0) {
    high = 1.0;
  } else {
    const double half = 0.5 * std::abs(high);
    low -= half;
    high += half;
  }
}

}  // namespace

double Axis::part(double value) const {
  if (is_log) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

Axis linear_axis(double low, double high) {
  move_apart(low, high);
  return {.low = low, .high = high, .ticks = multiples(round_step(high - low, 5.0), low, high)};
}

Axis linear_axis_to_ticks(double low, double high) {
  move_apart(low, high);
  const double step = round_step(high - low, 5.0);
  const double first = step * std::floor(low / step);
  const double last = step * std::ceil(high / step * 1.0001);
  return {.low = first, .high = last, .ticks = multiples(step, first, last)};
}

Axis logarithmic_axis(double low, double high) {
  constexpr double kMargin = 1.15;
  constexpr double kMostPowers = 8.0;
  STERNA_CHECK(low > 0.0);
  Axis axis{.low = low / kMargin, .high = high * kMargin, .is_log = true};
  const double powers = std::log10(high / low);
  const bool is_long = powers > 2.5;
  const int stride = static_cast<int>(std::ceil(powers / kMostPowers));
  const int last = static_cast<int>(std::floor(std::log10(axis.high)));
  for (int power = static_cast<int>(std::floor(std::log10(axis.low))); power <= last; ++power) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (is_long && (factor != 1.0 || power % stride != 0)) continue;
      const double tick = factor * std::pow(10.0, power);
      if (tick >= axis.low && tick <= axis.high) axis.ticks.push_back(tick);
    }
  }
  if (axis.ticks.size() < 2)
    axis.ticks = multiples(round_step(axis.high - axis.low, 4.0), axis.low, axis.high);
  return axis;
}

Axis axis_of_values(const std::vector<double>& values) {
  constexpr double kLeastDistance = 0.085;  // parts of the axis
  const double margin = values.size() > 1 ? 1.0 : 2.0;
  Axis axis{.low = values.front() / margin, .high = values.back() * margin, .is_log = true};
  double last = -1.0;
  for (const double value : values) {
    const double at = axis.part(value);
    if (last >= 0.0 && at - last < kLeastDistance) continue;
    axis.ticks.push_back(value);
    last = at;
  }
  return axis;
}

std::string tick_text(double value) {
  const double magnitude = std::abs(value);
  if (magnitude == 0.0 || (magnitude >= 0.9995e-4 && magnitude < 0.9995e6))
    return plain_number_text(value, 4);
  std::array<char, 32> text{};
  STERNA_CHECK(std::snprintf(text.data(), text.size(), "%.3g", value) > 0);
  return text.data();
}

}  // namespace sterna::plot
