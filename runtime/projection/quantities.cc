#include "runtime/projection/quantities.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <span>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

constexpr std::uint32_t kMostRanks = 1u << 20;

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kDurations = {Unit{"ns", 1e-9}, Unit{"us", 1e-6}, Unit{"ms", 1e-3}, Unit{"s", 1.0}};

// A number and one of the units right behind it; nothing if `text` is not that.
std::optional<double> number_with_unit(const std::string& text, std::span<const Unit> units) {
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    // A power of ten below 1 is no binary fraction, while its inverse is exact: so 5us is the number 5e-6.
    return known.factor < 1.0 ? value / std::round(1.0 / known.factor) : value * known.factor;
  }
  return std::nullopt;
}

using NumberText = std::string (*)(double, int);

std::string with_unit(double value, std::span<const Unit> ascending, NumberText number = number_text) {
  const Unit* chosen = &ascending.front();
  for (const Unit& unit : ascending) {
    if (std::abs(value) >= 0.9995 * unit.factor) chosen = &unit;  // 0.9995 is written as 1
  }
  return number(value / chosen->factor, 3) + ' ' + std::string(chosen->name);
}

std::uint32_t parse_count(const std::string& all, std::string_view text) {
  std::uint32_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || value < 1 || value > kMostRanks) {
    throw ConfigError(cat("[project] ranks = ", all, ": \"", text, "\" must be a number from 1 to ",
                          kMostRanks,
                          ", or two of them, the smaller first, as 2..1024; try --ranks 2,8,32 or 2..1024"));
  }
  return value;
}

}  // namespace

std::vector<std::string> split_list(std::string_view flag, const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == ',') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  for (const std::string& word : words) {
    if (word.empty()) {
      throw ConfigError(
          cat("[project] ", flag, " = \"", text, "\": must be one or more words, a comma between two"));
    }
  }
  return words;
}

double parse_bandwidth(const std::string& text) {
  constexpr std::array kUnits = {Unit{"kbit", 1e3}, Unit{"mbit", 1e6}, Unit{"gbit", 1e9}, Unit{"tbit", 1e12}};
  const std::optional<double> bits = number_with_unit(text, kUnits);
  if (!bits || *bits <= 0.0) {
    throw ConfigError(cat("[project] bandwidth = ", text,
                          ": must be a positive number and kbit, mbit, gbit or tbit (a second); try 10gbit"));
  }
  return *bits;
}

double parse_duration(std::string_view flag, const std::string& text) {
  const std::optional<double> seconds = number_with_unit(text, kDurations);
  if (!seconds || *seconds < 0.0) {
    throw ConfigError(cat("[project] ", flag, " = ", text,
                          ": must be a number of 0 or more and ns, us, ms or s; try 50us"));
  }
  return *seconds;
}

std::vector<std::uint32_t> parse_ranks(const std::string& text) {
  std::set<std::uint32_t> ranks;
  for (const std::string& word : split_list("ranks", text)) {
    const std::size_t dots = word.find("..");
    if (dots == std::string::npos) {
      ranks.insert(parse_count(text, word));
      continue;
    }
    const std::uint32_t first = parse_count(text, std::string_view(word).substr(0, dots));
    const std::uint32_t last = parse_count(text, std::string_view(word).substr(dots + 2));
    if (first > last) {
      throw ConfigError(cat("[project] ranks = ", text, ": ", word,
                            " goes down: the smaller must be first; try ", last, "..", first));
    }
    for (std::uint32_t p = first; p < last; p *= 2) ranks.insert(p);
    ranks.insert(last);
  }
  return {ranks.begin(), ranks.end()};
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
  constexpr std::array kUnits = {Unit{"B", 1.0}, Unit{"kB", 1e3}, Unit{"MB", 1e6}, Unit{"GB", 1e9}};
  return with_unit(bytes, kUnits);
}

}  // namespace sterna::projection
