#include "runtime/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/core/errors.h"
#include "runtime/core/median.h"
#include "runtime/core/number_text.h"

namespace sterna::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kNotKnown = "not known";

bool beats(const Result& one, const Result& other, bool is_higher_better) {
  const double better_by = is_higher_better ? one.value - other.value : other.value - one.value;
  return one.cost <= other.cost && better_by >= 0.0 && (one.cost < other.cost || better_by > 0.0);
}

}  // namespace

double settled_median(const std::vector<double>& values) {
  std::vector<double> settled(values.begin() + static_cast<std::ptrdiff_t>(values.size() / 10), values.end());
  std::erase_if(settled, [](double value) { return !std::isfinite(value); });
  return settled.empty() ? kNan : median(std::move(settled));
}

std::vector<double> trailing_mean(const std::vector<double>& values, std::size_t window) {
  STERNA_CHECK(window > 0u);
  std::vector<double> means;
  means.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t first = i + 1 > window ? i + 1 - window : 0;
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(i + 1);
    means.push_back(std::accumulate(begin, end, 0.0) / static_cast<double>(i + 1 - first));
  }
  return means;
}

std::vector<double> divided(std::vector<double> values, const std::vector<double>& by) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] /= by[i];
  return values;
}

Band band_of(const std::vector<std::vector<double>>& curves) {
  std::size_t length = 0;
  for (const std::vector<double>& curve : curves) length = std::max(length, curve.size());
  Band band;
  for (std::size_t i = 0; i < length; ++i) {
    std::vector<double> there;
    for (const std::vector<double>& curve : curves) {
      if (i < curve.size() && std::isfinite(curve[i])) there.push_back(curve[i]);
    }
    const bool is_empty = there.empty();
    const double sum = std::accumulate(there.begin(), there.end(), 0.0);
    band.mean.push_back(is_empty ? kNan : sum / static_cast<double>(there.size()));
    band.low.push_back(is_empty ? kNan : std::ranges::min(there));
    band.high.push_back(is_empty ? kNan : std::ranges::max(there));
  }
  return band;
}

std::vector<std::size_t> thinned(std::size_t count, std::size_t most) {
  STERNA_CHECK(most >= 2u);
  std::vector<std::size_t> places;
  if (count <= most) {
    for (std::size_t i = 0; i < count; ++i) places.push_back(i);
    return places;
  }
  for (std::size_t i = 0; i < most; ++i) places.push_back(i * (count - 1) / (most - 1));
  return places;
}

std::vector<std::size_t> pareto_front(const std::vector<Result>& results, bool is_higher_better) {
  std::vector<std::size_t> front;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!std::isfinite(results[i].cost) || !std::isfinite(results[i].value)) continue;
    const bool is_beaten = std::ranges::any_of(
        results, [&](const Result& other) { return beats(other, results[i], is_higher_better); });
    if (!is_beaten) front.push_back(i);
  }
  std::ranges::stable_sort(front, {}, [&](std::size_t i) { return results[i].cost; });
  return front;
}

int justified_decimals(double value, std::optional<double> half_width) {
  constexpr int kMostDecimals = 12;
  double worth = std::abs(value) * 1e-3;  // of the fourth digit, or less
  if (half_width && *half_width > 0.0) worth = *half_width / 2.0;
  if (!std::isfinite(worth) || worth <= 0.0) return 0;
  return std::clamp(static_cast<int>(std::ceil(-std::log10(worth) - 1e-9)), 0, kMostDecimals);
}

std::string grouped_text(double value) {
  std::string text = fixed_text(value, 0);
  if (!std::isfinite(value)) return text;
  const std::size_t first = text.starts_with('-') ? 2 : 1;
  for (std::size_t at = text.size(); at >= first + 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string digits_text(double value, int digits) {
  return std::isfinite(value) ? number_text(value, digits) : kNotKnown;
}

}  // namespace sterna::report
