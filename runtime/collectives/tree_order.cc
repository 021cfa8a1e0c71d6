#include "runtime/collectives/tree_order.h"

#include <bit>

namespace sterna::collectives {
namespace {

void add_tree(std::size_t begin, std::size_t count,
              const std::function<void(std::size_t, std::size_t)>& add) {
  if (count < 2) return;
  const std::size_t left_count = std::bit_floor(count - 1);  // the largest power of two below count
  add_tree(begin, left_count, add);
  add_tree(begin + left_count, count - left_count, add);
  add(begin, begin + left_count);
}

}  // namespace

void for_each_tree_addition(std::size_t count, const std::function<void(std::size_t, std::size_t)>& add) {
  add_tree(0, count, add);
}

}  // namespace sterna::collectives
