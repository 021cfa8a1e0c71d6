#include <cmath>

#include "compressors/kernels/kernels.h"

namespace sterna::compressors::kernels {
namespace {

struct Selected {
  std::uint32_t offset;
  float value;
};

Selected select_in_chunk(const float* gradient, float* residue, std::size_t elements,
                         std::size_t chunk_elements, float beta) {
  float best = 0.0f;
  float best_residue = 0.0f;
  std::size_t offset = chunk_elements;
  for (std::size_t i = 0; i < elements; ++i) {
    const float before = residue[i];
    const float magnitude = std::fabs(before + gradient[i]);
    residue[i] = before + beta * gradient[i];
    if (!(magnitude > best)) continue;
    best = magnitude;
    best_residue = before;
    offset = i;
  }
  if (offset == chunk_elements) return {static_cast<std::uint32_t>(offset), 0.0f};
  residue[offset] = best_residue - beta * best_residue;
  return {static_cast<std::uint32_t>(offset), best_residue + gradient[offset]};
}

}  // namespace

void select_in_chunks_plain(const float* gradient, float* residue, std::size_t elements,
                            std::size_t chunk_elements, float beta, std::uint32_t* offsets, float* values) {
  std::size_t chunk = 0;
  for (std::size_t begin = 0; begin < elements; begin += chunk_elements, ++chunk) {
    const std::size_t left = elements - begin;
    const std::size_t length = left < chunk_elements ? left : chunk_elements;
    const Selected selected =
        select_in_chunk(gradient + begin, residue + begin, length, chunk_elements, beta);
    offsets[chunk] = selected.offset;
    values[chunk] = selected.value;
  }
}

}  // namespace sterna::compressors::kernels
