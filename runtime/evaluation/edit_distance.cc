#include "runtime/evaluation/edit_distance.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace sterna::evaluation {
namespace {

template <typename Element>
std::size_t distance(std::span<const Element> a, std::span<const Element> b) {
  // row[j] is the distance of a's first i elements from b's first j.
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];  // of i - 1 and j - 1
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::size_t edit_distance(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  return distance(a, b);
}

std::size_t edit_distance(std::span<const std::string> a, std::span<const std::string> b) {
  return distance(a, b);
}

void EditCount::add(std::span<const std::int32_t> hypothesis, std::span<const std::int32_t> reference) {
  edits += edit_distance(hypothesis, reference);
  reference_elements += reference.size();
}

void EditCount::add(std::span<const std::string> hypothesis, std::span<const std::string> reference) {
  edits += edit_distance(hypothesis, reference);
  reference_elements += reference.size();
}

double EditCount::rate() const {
  if (edits == 0) return 0.0;
  if (reference_elements == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(edits) / static_cast<double>(reference_elements);
}

}  // namespace sterna::evaluation
