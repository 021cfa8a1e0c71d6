// --layer-rates: a rate of its own for each layer, 1 of how many elements is sent, where the compressor has a
// rate.
//
//   layer_rates := "none"             every layer has the compressor's rate
//                | "flops"            by how often a sample's forward pass multiplies by a weight, see below
//                | choice (, choice)*
//   choice      := REGEX "=" R        ECMAScript, searched in a parameter's name, without a comma; R in [1,
//                                     65536]. The first choice that is found counts; a layer in whose name
//                                     none is has the compressor's rate
#pragma once

#include <cstddef>
#include <regex>
#include <string>
#include <vector>

#include "runtime/tensor/parameter_table.h"

namespace sterna::exchange {

// What `text` is not, as a pattern for parameters' names: a regular expression (ECMAScript), and not so long
// that the standard library's compiler may nest too deep; "" if it is one.
inline constexpr std::size_t kMostPatternBytes = 1000;
[[nodiscard]] std::string why_no_pattern(const std::string& text);

class LayerRates {
 public:
  // Throws ConfigError.
  explicit LayerRates(const std::string& layer_rates);

  // The layer's rate, or `otherwise` where nothing is said of it.
  [[nodiscard]] double rate_of(const tensor::Parameter& parameter, double otherwise) const;

  // Throws ConfigError if the regular expression of a choice is found in none of `names`.
  void require_use(const std::vector<std::string>& names) const;

 private:
  struct Choice {
    std::string text;  // of the regular expression
    std::regex pattern;
    double rate;
  };

  bool is_by_multiplications_ = false;  // "flops"
  std::vector<Choice> choices_;
};

// ScaleCom's guidance, from the multiplications a weight takes part in for one sample: 25 where they are more
// than 196, 50 where at least 128, else 400. It is meant for 32 samples a learner. Source: Chen et al.,
// "ScaleCom", NeurIPS 2020 (arXiv:2104.11125), per-layer rates by FLOPs per gradient; a multiplication and
// the addition of its product count as one. The paper lists 196 with both 25 and 50: see runtime/README.md.
[[nodiscard]] double rate_by_multiplications(double multiplications_per_element);

}  // namespace sterna::exchange
