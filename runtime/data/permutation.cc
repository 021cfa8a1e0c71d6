#include "runtime/data/permutation.h"

#include <numeric>
#include <utility>

namespace sterna::data {

std::vector<std::uint32_t> random_permutation(const RandomKey& key, std::uint32_t elements) {
  std::vector<std::uint32_t> permutation(elements);
  std::iota(permutation.begin(), permutation.end(), 0u);
  for (std::uint32_t last = elements; last > 1; --last) {
    std::swap(permutation[last - 1], permutation[random_below(key, last, last)]);
  }
  return permutation;
}

}  // namespace sterna::data
