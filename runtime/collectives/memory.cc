#include "runtime/collectives/memory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "runtime/collectives/tree_order.h"

namespace sterna::collectives {
namespace {

// Values summed at a time: the operands of all ranks stay in the first-level cache meanwhile.
constexpr std::size_t kTileValues = 1024;

// sum[i] = left[i] + right[i]; `sum` may be one of the two.
void add_values(const float* left, const float* right, float* sum, std::size_t n) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) sum[i] = left[i] + right[i];
}

}  // namespace

void HostMemory::copy(std::span<const std::byte> from, std::span<std::byte> to) {
  if (!from.empty()) std::memmove(to.data(), from.data(), from.size());
}

void HostMemory::pack(std::span<const float> values, numerics::ValueFormat format,
                      std::span<std::byte> bytes) {
  numerics::pack_values(values, format, bytes);
}

void HostMemory::unpack(std::span<const std::byte> bytes, numerics::ValueFormat format,
                        std::span<float> values) {
  numerics::unpack_values(bytes, format, values);
}

void HostMemory::round(std::span<float> values, numerics::ValueFormat format) {
  if (format == numerics::ValueFormat::kFloat32) return;
  std::array<std::byte, kTileValues * sizeof(float)> packed;
  for (std::size_t begin = 0; begin < values.size(); begin += kTileValues) {
    const auto tile = values.subspan(begin, std::min(kTileValues, values.size() - begin));
    const auto bytes = std::span(packed).first(tile.size() * numerics::bytes_per_value(format));
    numerics::pack_values(tile, format, bytes);
    numerics::unpack_values(bytes, format, tile);
  }
}

void HostMemory::add_in_tree_order(const TreeOperands& operands, std::span<float> own) {
  std::vector<std::pair<std::size_t, std::size_t>> additions;
  for_each_tree_addition(operands.ranks,
                         [&](std::size_t left, std::size_t right) { additions.emplace_back(left, right); });
  for (std::size_t begin = 0; begin < own.size(); begin += kTileValues) {
    const std::size_t n = std::min(kTileValues, own.size() - begin);
    const auto tile = [&](std::size_t rank) {
      return (rank == operands.own_rank ? own.data() : operands.of_ranks + rank * operands.stride) + begin;
    };
    for (const auto& [left, right] : additions) {
      const bool is_last = left == 0 && right == additions.back().second;
      add_values(tile(left), tile(right), is_last ? tile(operands.own_rank) : tile(left), n);
    }
  }
}

std::span<float> HostMemory::scratch(std::size_t values) {
  if (scratch_.size() < values) scratch_.resize(values);
  return scratch_;
}

}  // namespace sterna::collectives
