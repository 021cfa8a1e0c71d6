// A chunk is read once: each lane keeps the largest magnitude it saw, where that was, and the residue it had
// there.
#include "compressors/kernels/kernels.h"
#include "compressors/kernels/lanes_avx512.h"

namespace sterna::compressors::kernels {
namespace {

struct Best {
  __m512 magnitude = _mm512_setzero_ps();
  __m512 residue = _mm512_setzero_ps();
  __m512i index = _mm512_setzero_si512();

  // Larger, not equal: within a lane the first of equals stays. A NaN is not larger.
  void consider(__m512 sum, __m512 before, __m512i at) {
    const __m512 candidate = _mm512_abs_ps(sum);
    const __mmask16 is_larger = _mm512_cmp_ps_mask(candidate, magnitude, _CMP_GT_OQ);
    magnitude = _mm512_mask_mov_ps(magnitude, is_larger, candidate);
    residue = _mm512_mask_mov_ps(residue, is_larger, before);
    index = _mm512_mask_mov_epi32(index, is_larger, at);
  }
};

Best update_and_find_best(const float* gradient, float* residue, std::size_t elements, __m512 beta) {
  Best best;
  __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (std::size_t i = 0; i < elements; i += kLanes) {
    const __mmask16 lanes = first_lanes(elements - i);
    const __m512 before = _mm512_maskz_loadu_ps(lanes, residue + i);
    const __m512 fresh = _mm512_maskz_loadu_ps(lanes, gradient + i);
    store_first(residue + i, _mm512_add_ps(before, _mm512_mul_ps(beta, fresh)), elements - i);
    best.consider(_mm512_add_ps(before, fresh), before, at);
    at = _mm512_add_epi32(at, _mm512_set1_epi32(kLanes));
  }
  return best;
}

}  // namespace

void select_in_chunks_avx512(const float* gradient, float* residue, std::size_t elements,
                             std::size_t chunk_elements, float beta, std::uint32_t* offsets, float* values) {
  std::size_t chunk = 0;
  for (std::size_t begin = 0; begin < elements; begin += chunk_elements, ++chunk) {
    const std::size_t left = elements - begin;
    const std::size_t length = left < chunk_elements ? left : chunk_elements;
    const Best best = update_and_find_best(gradient + begin, residue + begin, length, _mm512_set1_ps(beta));
    const float max = _mm512_reduce_max_ps(best.magnitude);
    offsets[chunk] = static_cast<std::uint32_t>(chunk_elements);
    values[chunk] = 0.0f;
    if (max == 0.0f) continue;
    const __mmask16 is_max = _mm512_cmp_ps_mask(best.magnitude, _mm512_set1_ps(max), _CMP_EQ_OQ);
    const auto offset = _mm512_mask_reduce_min_epu32(is_max, best.index);
    const __mmask16 winner =
        _mm512_mask_cmpeq_epi32_mask(is_max, best.index, _mm512_set1_epi32(static_cast<int>(offset)));
    const float before = _mm512_cvtss_f32(_mm512_maskz_compress_ps(winner, best.residue));
    offsets[chunk] = offset;
    values[chunk] = before + gradient[begin + offset];
    residue[begin + offset] = before - beta * before;
  }
}

}  // namespace sterna::compressors::kernels
