// Permutations that are a function of a random stream's key alone.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/rng.h"

namespace sterna::data {

// Returns 0 ... elements - 1 in an order that the key determines, each equally likely (Fisher and Yates).
[[nodiscard]] std::vector<std::uint32_t> random_permutation(const RandomKey& key, std::uint32_t elements);

}  // namespace sterna::data
