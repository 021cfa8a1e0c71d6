// The sizes that all transformers have, as --model-arg sets them, and the numbers of their dropouts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "models/arguments.h"
#include "models/layers/dropout.h"

namespace sterna::models {

struct TransformerSizes {
  std::size_t features;  // d, of one position
  std::size_t heads;
  std::size_t layers;
  std::size_t hidden;  // between the two fully connected layers
  double dropout = 0.0;
};

// Reads d, heads, layers, ffn and dropout. Throws ConfigError if the heads do not share d evenly.
[[nodiscard]] TransformerSizes read_transformer_sizes(ModelArguments& arguments,
                                                      const TransformerSizes& standard);

// Counts a model's dropouts, so that no two of them share a number.
class DropoutNumbers {
 public:
  explicit DropoutNumbers(double probability) : probability_(probability) {}

  [[nodiscard]] DropoutOptions next() { return {.probability = probability_, .number = next_++}; }

 private:
  double probability_;
  std::uint16_t next_ = 0;
};

}  // namespace sterna::models
