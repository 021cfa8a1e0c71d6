#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sterna {

// Of an even number of values, the mean of the middle two. There must be one at least.
[[nodiscard]] inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

}  // namespace sterna
