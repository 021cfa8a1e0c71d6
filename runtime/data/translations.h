// What an evaluation of translations needs to know of a data set beside its samples.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/data/byte_pairs.h"

namespace sterna::data {

// Of a data set whose samples are source symbols, and behind them the target's, shifted by one.
class Translations {
 public:
  virtual ~Translations() = default;

  [[nodiscard]] virtual const BytePairs& vocabulary() const = 0;

  // A test sample's target as its file has it, UTF-8 without the line break.
  [[nodiscard]] virtual std::string_view reference(std::uint32_t number) const = 0;
};

}  // namespace sterna::data
