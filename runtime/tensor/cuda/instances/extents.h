// What the launches of all families share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/launches.h"

namespace sterna::tensor::cuda {

inline std::uint32_t checked_extent(std::size_t extent) {
  STERNA_CHECK(extent < (std::size_t{1} << 31));
  return static_cast<std::uint32_t>(extent);
}

// How rows are divided into parts that are summed side by side: enough of them to keep a GPU busy.
struct RowParts {
  std::uint32_t parts;
  std::uint32_t rows_of_part;
};

//   most_partials  of one column of numbers each
inline RowParts parts_of(std::size_t rows, std::size_t columns, std::size_t most_partials) {
  constexpr std::size_t kRowsOfPart = 64;
  constexpr std::size_t kMostParts = 256;
  const std::size_t most = std::clamp<std::size_t>(most_partials / columns, 1, kMostParts);
  const std::size_t parts = std::clamp<std::size_t>(rows / kRowsOfPart, 1, most);
  const std::size_t of_part = std::max<std::size_t>((rows + parts - 1) / parts, 1);
  return {.parts = checked_extent(std::max<std::size_t>((rows + of_part - 1) / of_part, 1)),
          .rows_of_part = checked_extent(of_part)};
}

}  // namespace sterna::tensor::cuda
