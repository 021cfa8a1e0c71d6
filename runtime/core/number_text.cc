#include "runtime/core/number_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <string_view>

#include "runtime/core/errors.h"

namespace sterna {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kDurations = {Unit{"ns", 1e-9}, Unit{"us", 1e-6}, Unit{"ms", 1e-3}, Unit{"s", 1.0}};
constexpr std::array kBytes = {Unit{"B", 1.0}, Unit{"kB", 1e3}, Unit{"MB", 1e6}, Unit{"GB", 1e9}};

using NumberText = std::string (*)(double, int);

std::string with_unit(double value, std::span<const Unit> ascending, NumberText number = number_text) {
  const Unit* chosen = &ascending.front();
  for (const Unit& unit : ascending) {
    if (std::abs(value) >= 0.9995 * unit.factor) chosen = &unit;  // 0.9995 is written as 1
  }
  return number(value / chosen->factor, 3) + ' ' + std::string(chosen->name);
}

}  // namespace

std::string fixed_text(double value, int decimals) {
  if (!std::isfinite(value)) return "not known";
  const double scale = std::pow(10.0, decimals);
  const double rounded = std::round(value * scale) == 0.0 ? 0.0 : value;  // no "-0.000"
  std::array<char, 400> text{};
  STERNA_CHECK(std::snprintf(text.data(), text.size(), "%.*f", decimals, rounded) > 0);
  return text.data();
}

std::string number_text(double value, int digits) {
  if (value == 0.0) return "0";
  const auto whole_digits = [](double x) {
    return 1 + static_cast<int>(std::floor(std::log10(std::abs(x))));
  };
  const double scale = std::pow(10.0, digits - whole_digits(value));
  const int whole = whole_digits(std::round(value * scale) / scale);  // 9.996 is written as 10.0
  std::array<char, 64> text{};
  const int written =
      std::snprintf(text.data(), text.size(), "%.*f", std::max(0, std::min(12, digits - whole)), value);
  STERNA_CHECK(written > 0);
  return text.data();
}

std::string plain_number_text(double value, int digits) {
  std::string text = number_text(value, digits);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string duration_text(double seconds) {
  return with_unit(seconds, kDurations);
}

std::string link_text(double bits_per_second, double latency_seconds) {
  constexpr std::array kUnits = {Unit{"kbit/s", 1e3}, Unit{"Mbit/s", 1e6}, Unit{"Gbit/s", 1e9},
                                 Unit{"Tbit/s", 1e12}};
  return with_unit(bits_per_second, kUnits, plain_number_text) + ", " +
         with_unit(latency_seconds, kDurations, plain_number_text);
}

std::string bytes_text(double bytes) {
  return with_unit(bytes, kBytes);
}

std::string plain_bytes_text(double bytes) {
  return with_unit(bytes, kBytes, plain_number_text);
}

}  // namespace sterna
