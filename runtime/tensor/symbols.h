// Tables of which each symbol has a row, on the processor; and which symbols are meant, for every device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sterna::tensor {

// Which symbols of samples are looked at: of each sample's positions, `count` from `first` on. Row r of what
// they stand for belongs to sample r / count, position first + r % count.
struct SymbolWindow {
  std::span<const std::int32_t> symbols;  // [samples, positions]
  std::size_t positions;
  std::size_t first;
  std::size_t count;

  [[nodiscard]] std::size_t rows() const { return symbols.size() / positions * count; }
};

// What each does stands in operations.h.
void gather_rows(const SymbolWindow& window, std::size_t features, std::span<const float> table,
                 std::span<float> rows);
void scatter_rows(const SymbolWindow& window, std::size_t features, std::span<const float> rows,
                  std::span<float> table);
void mask_padding(const SymbolWindow& window, std::span<float> mask);

}  // namespace sterna::tensor
