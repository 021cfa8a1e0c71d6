#include "runtime/tensor/symbols.h"

#include <algorithm>
#include <limits>

#include "runtime/core/errors.h"

namespace sterna::tensor {
namespace {

std::int32_t symbol_at(const SymbolWindow& window, std::size_t row) {
  return window.symbols[row / window.count * window.positions + window.first + row % window.count];
}

// The first element of the symbol's row in a table of so many symbols.
std::size_t place_in_table(const SymbolWindow& window, std::size_t row, std::size_t symbols,
                           std::size_t features) {
  const std::int32_t symbol = symbol_at(window, row);
  STERNA_CHECK(symbol >= 0);
  STERNA_CHECK(static_cast<std::size_t>(symbol) < symbols);
  return static_cast<std::size_t>(symbol) * features;
}

}  // namespace

void gather_rows(const SymbolWindow& window, std::size_t features, std::span<const float> table,
                 std::span<float> rows) {
  STERNA_CHECK(rows.size() == window.rows() * features);
  const std::size_t symbols = table.size() / features;
  for (std::size_t row = 0; row < window.rows(); ++row) {
    std::copy_n(table.data() + place_in_table(window, row, symbols, features), features,
                rows.data() + row * features);
  }
}

void scatter_rows(const SymbolWindow& window, std::size_t features, std::span<const float> rows,
                  std::span<float> table) {
  STERNA_CHECK(rows.size() == window.rows() * features);
  const std::size_t symbols = table.size() / features;
  std::ranges::fill(table, 0.0f);
  for (std::size_t row = 0; row < window.rows(); ++row) {
    float* to = table.data() + place_in_table(window, row, symbols, features);
    const float* from = rows.data() + row * features;
    for (std::size_t i = 0; i < features; ++i) to[i] += from[i];
  }
}

void mask_padding(const SymbolWindow& window, std::span<float> mask) {
  STERNA_CHECK(mask.size() == window.rows());
  for (std::size_t row = 0; row < mask.size(); ++row) {
    mask[row] = symbol_at(window, row) == 0 ? -std::numeric_limits<float>::infinity() : 0.0f;
  }
}

}  // namespace sterna::tensor
