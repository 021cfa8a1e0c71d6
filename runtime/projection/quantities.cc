#include "runtime/projection/quantities.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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

}  // namespace sterna::projection
