// Which way of travelling is the best for each layer, from what steps took in which all layers travelled one
// way. No communication, no clock: the same figures give the same answer on every rank.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/exchange/exchange.h"

namespace sterna {

inline constexpr std::size_t kMethods = 3;  // of exchange::Method

// What steps took in which every layer travelled by one method.
struct MethodCost {
  double compress_seconds = 0.0;  // a step
  double exchange_seconds = 0.0;
  double wire_bytes = 0.0;
};

struct LayerCost {
  std::size_t elements = 0;
  bool may_be_compressed = true;                 // false: it travels dense
  std::array<double, kMethods> payload_bytes{};  // of one learner, by method
};

// The method of each layer whose time to compress, by its share of the elements, and on the wire, by its
// share of the payload at the rate that dense gradients travel at, is the least; of equals the first.
[[nodiscard]] std::vector<exchange::Method> cheapest_methods(std::span<const LayerCost> layers,
                                                             const std::array<MethodCost, kMethods>& costs);

// The first of `seconds` that is at most `tolerance` times the least.
[[nodiscard]] std::size_t first_near_least(std::span<const double> seconds, double tolerance);

// Names of methods, one a parameter, apart by spaces: "none", "fp16", or that of the compressor.
[[nodiscard]] std::string to_text(std::span<const exchange::Method> methods, std::string_view compressor);

// Reads such a text. Throws ConfigError if it has a word that is none of the three, or not `parameters` of
// them.
[[nodiscard]] std::vector<exchange::Method> methods_of_text(const std::string& text,
                                                            std::string_view compressor,
                                                            std::size_t parameters);

}  // namespace sterna
