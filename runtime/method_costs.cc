#include "runtime/method_costs.h"

#include <algorithm>
#include <sstream>

#include "runtime/core/errors.h"

namespace sterna {
namespace {

std::string_view name_of(exchange::Method method, std::string_view compressor) {
  switch (method) {
    case exchange::Method::kDense:
      return "none";
    case exchange::Method::kFloat16:
      return "fp16";
    case exchange::Method::kConfigured:
      break;
  }
  return compressor;
}

double ratio(double numerator, double denominator) {
  return denominator > 0.0 ? numerator / denominator : 0.0;
}

}  // namespace

std::vector<exchange::Method> cheapest_methods(std::span<const LayerCost> layers,
                                               const std::array<MethodCost, kMethods>& costs) {
  double elements = 0.0;
  std::array<double, kMethods> payload{};
  for (const LayerCost& layer : layers) {
    if (layer.may_be_compressed) elements += static_cast<double>(layer.elements);
    for (std::size_t m = 0; m < kMethods; ++m) payload[m] += layer.payload_bytes[m];
  }
  const MethodCost& dense = costs[static_cast<std::size_t>(exchange::Method::kDense)];
  const double seconds_per_byte = ratio(dense.exchange_seconds, dense.wire_bytes);
  std::vector<exchange::Method> cheapest;
  for (const LayerCost& layer : layers) {
    std::array<double, kMethods> seconds{};
    for (std::size_t m = 0; m < kMethods; ++m) {
      seconds[m] = ratio(costs[m].compress_seconds * static_cast<double>(layer.elements), elements) +
                   ratio(costs[m].wire_bytes * layer.payload_bytes[m], payload[m]) * seconds_per_byte;
    }
    const auto least = std::ranges::min_element(seconds) - seconds.begin();
    cheapest.push_back(layer.may_be_compressed ? static_cast<exchange::Method>(least)
                                               : exchange::Method::kDense);
  }
  return cheapest;
}

std::size_t first_near_least(std::span<const double> seconds, double tolerance) {
  STERNA_CHECK(seconds.size() > 0u);
  const double most = std::ranges::min(seconds) * tolerance;
  const auto found = std::ranges::find_if(seconds, [most](double s) { return s <= most; });
  return static_cast<std::size_t>(found - seconds.begin());
}

std::string to_text(std::span<const exchange::Method> methods, std::string_view compressor) {
  std::string text;
  for (exchange::Method method : methods) {
    if (!text.empty()) text += ' ';
    text += name_of(method, compressor);
  }
  return text;
}

std::vector<exchange::Method> methods_of_text(const std::string& text, std::string_view compressor,
                                              std::size_t parameters) {
  using enum exchange::Method;
  std::istringstream words(text);
  std::vector<exchange::Method> methods;
  for (std::string word; words >> word;) {
    const auto is_named = [&](exchange::Method method) { return name_of(method, compressor) == word; };
    constexpr std::array kAll = {kDense, kFloat16, kConfigured};
    const auto* found = std::ranges::find_if(kAll, is_named);
    if (found == kAll.end()) {
      throw ConfigError(cat("[train] auto-choices: method \"", word, "\": must be none, fp16 or ", compressor,
                            "; was the earlier run's --auto-compressor another?"));
    }
    methods.push_back(*found);
  }
  if (methods.size() != parameters) {
    throw ConfigError(cat("[train] auto-choices: methods of ", methods.size(), " parameters: this model has ",
                          parameters, "; take the choices of a run with the same model"));
  }
  return methods;
}

}  // namespace sterna
