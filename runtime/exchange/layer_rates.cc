#include "runtime/exchange/layer_rates.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "compressors/settings.h"
#include "runtime/core/errors.h"

namespace sterna::exchange {
namespace {

[[noreturn]] void fail(const std::string& layer_rates, const std::string& what) {
  throw ConfigError(cat("[exchange] layer-rates = \"", layer_rates, "\": ", what,
                        "; must be none, flops, or REGEX=R,...; try 'conv=50,fc=400'"));
}

double parse_rate(const std::string& layer_rates, const std::string& text) {
  double rate = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || !(rate >= 1.0 && rate <= compressors::kMaxRate)) {
    fail(layer_rates, cat("rate ", text, " is not in [1, ", compressors::kMaxRate, "]"));
  }
  return rate;
}

}  // namespace

std::string why_no_pattern(const std::string& text) {
  if (text.size() > kMostPatternBytes)
    return cat("not a regular expression of at most ", kMostPatternBytes, " characters");
  try {
    (void)std::regex(text);
  } catch (const std::regex_error& error) {
    return cat("not a regular expression (", error.what(), ")");
  }
  return "";
}

LayerRates::LayerRates(const std::string& layer_rates) {
  is_by_multiplications_ = layer_rates == "flops";
  if (layer_rates == "none" || is_by_multiplications_) return;
  std::istringstream choices(layer_rates);
  std::string choice;
  while (std::getline(choices, choice, ',')) {
    const std::size_t equals = choice.rfind('=');  // a regular expression may have one: (?=...)
    if (equals == 0 || equals == std::string::npos) fail(layer_rates, cat("\"", choice, "\" is no REGEX=R"));
    const std::string text = choice.substr(0, equals);
    const double rate = parse_rate(layer_rates, choice.substr(equals + 1));
    if (const std::string why = why_no_pattern(text); !why.empty()) {
      fail(layer_rates, cat("\"", text.substr(0, kMostPatternBytes), "\" is ", why));
    }
    choices_.push_back({.text = text, .pattern = std::regex(text), .rate = rate});
  }
  if (choices_.empty() || layer_rates.ends_with(',')) fail(layer_rates, "ends where a REGEX=R is expected");
}

double LayerRates::rate_of(const tensor::Parameter& parameter, double otherwise) const {
  if (is_by_multiplications_) return rate_by_multiplications(parameter.multiplications_per_element);
  for (const Choice& choice : choices_) {
    if (std::regex_search(parameter.name, choice.pattern)) return choice.rate;
  }
  return otherwise;
}

void LayerRates::require_use(const std::vector<std::string>& names) const {
  for (const Choice& choice : choices_) {
    const auto is_found = [&](const std::string& name) { return std::regex_search(name, choice.pattern); };
    if (std::ranges::any_of(names, is_found)) continue;
    throw ConfigError(cat("[exchange] layer-rates: \"", choice.text,
                          "\" is found in the name of no compressed layer: these are ", joined(names, ", ")));
  }
}

double rate_by_multiplications(double multiplications_per_element) {
  if (multiplications_per_element > 196.0) return 25.0;
  return multiplications_per_element >= 128.0 ? 50.0 : 400.0;
}

}  // namespace sterna::exchange
