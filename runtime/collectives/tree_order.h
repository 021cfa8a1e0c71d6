// The order of sums over learners, and over the ranks that host them: one binary tree over indices. n of them
// are split at the largest power of two below n, both parts are summed in the same way, and the two sums are
// added.
#pragma once

#include <cstddef>
#include <functional>

namespace sterna::collectives {

// Calls add(left, right) for each addition "left += right" of the tree over [0, count), in an order in which
// both operands are complete. The sum ends in 0.
void for_each_tree_addition(std::size_t count,
                            const std::function<void(std::size_t left, std::size_t right)>& add);

}  // namespace sterna::collectives
