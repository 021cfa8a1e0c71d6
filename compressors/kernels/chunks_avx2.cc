// A chunk is read once: each lane keeps the largest magnitude it saw, where that was, and the residue it had
// there.
#include "compressors/kernels/kernels.h"
#include "compressors/kernels/lanes_avx2.h"

namespace sterna::compressors::kernels {
namespace {

struct Best {
  __m256 magnitude = _mm256_setzero_ps();
  __m256 residue = _mm256_setzero_ps();
  __m256i index = _mm256_setzero_si256();

  // Larger, not equal: within a lane the first of equals stays. A NaN is not larger.
  void consider(__m256 sum, __m256 before, __m256i at) {
    const __m256 candidate = magnitude_of(sum);
    const __m256 is_larger = _mm256_cmp_ps(candidate, magnitude, _CMP_GT_OQ);
    magnitude = _mm256_blendv_ps(magnitude, candidate, is_larger);
    residue = _mm256_blendv_ps(residue, before, is_larger);
    index =
        _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(index), _mm256_castsi256_ps(at), is_larger));
  }
};

// Of the lanes with the largest magnitude, the number of the one with the lowest index.
unsigned winning_lane(const Best& best, __m256 max) {
  const __m256i is_max = _mm256_castps_si256(_mm256_cmp_ps(best.magnitude, max, _CMP_EQ_OQ));
  // All others get an index above every other; indices are below 2^31.
  const __m256i index =
      _mm256_or_si256(best.index, _mm256_andnot_si256(is_max, _mm256_set1_epi32(0x7fffffff)));
  __m256i lowest = _mm256_min_epi32(index, _mm256_permute2x128_si256(index, index, 1));
  lowest = _mm256_min_epi32(lowest, _mm256_shuffle_epi32(lowest, 0x4e));
  lowest = _mm256_min_epi32(lowest, _mm256_shuffle_epi32(lowest, 0xb1));
  const int lanes = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(index, lowest)));
  return static_cast<unsigned>(__builtin_ctz(static_cast<unsigned>(lanes)));
}

Best update_and_find_best(const float* gradient, float* residue, std::size_t elements,
                          std::size_t elements_left, __m256 beta) {
  const std::size_t whole = elements / kLanes * kLanes;
  Best best;
  __m256i at = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (std::size_t i = 0; i < whole; i += kLanes) {
    const __m256 before = _mm256_loadu_ps(residue + i);
    const __m256 fresh = _mm256_loadu_ps(gradient + i);
    _mm256_storeu_ps(residue + i, _mm256_add_ps(before, _mm256_mul_ps(beta, fresh)));
    best.consider(_mm256_add_ps(before, fresh), before, at);
    at = _mm256_add_epi32(at, _mm256_set1_epi32(kLanes));
  }
  if (whole < elements) {
    const Tail tail(elements - whole, elements_left - whole);
    const __m256 before = tail.load(residue + whole);
    const __m256 fresh = tail.load(gradient + whole);
    tail.store(residue + whole, _mm256_add_ps(before, _mm256_mul_ps(beta, fresh)));
    best.consider(_mm256_add_ps(before, fresh), before, at);
  }
  return best;
}

}  // namespace

void select_in_chunks_avx2(const float* gradient, float* residue, std::size_t elements,
                           std::size_t chunk_elements, float beta, std::uint32_t* offsets, float* values) {
  std::size_t chunk = 0;
  for (std::size_t begin = 0; begin < elements; begin += chunk_elements, ++chunk) {
    const std::size_t left = elements - begin;
    const std::size_t length = left < chunk_elements ? left : chunk_elements;
    const Best best =
        update_and_find_best(gradient + begin, residue + begin, length, left, _mm256_set1_ps(beta));
    const __m256 max = max_of_lanes(best.magnitude);
    offsets[chunk] = static_cast<std::uint32_t>(chunk_elements);
    values[chunk] = 0.0f;
    if (_mm256_cvtss_f32(max) == 0.0f) continue;
    const unsigned lane = winning_lane(best, max);
    alignas(32) std::uint32_t indices[kLanes];
    alignas(32) float residues[kLanes];
    _mm256_store_si256(reinterpret_cast<__m256i*>(indices), best.index);
    _mm256_store_ps(residues, best.residue);
    offsets[chunk] = indices[lane];
    values[chunk] = residues[lane] + gradient[begin + indices[lane]];
    residue[begin + indices[lane]] = residues[lane] - beta * residues[lane];
  }
}

}  // namespace sterna::compressors::kernels
