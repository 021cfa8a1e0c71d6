// A bin is read twice, the second time from the L1 cache: once for the sum and its maximum, once for the
// comparison.
#include "compressors/kernels/bins_loop.h"
#include "compressors/kernels/lanes_avx2.h"

namespace sterna::compressors::kernels {
namespace {

// For each of the 256 masks of eight lanes, as eight bytes in one word:
struct MaskTables {
  std::uint64_t compress[256];  // the numbers of the set lanes, in order, from the lowest byte up
  std::uint64_t spread[256];    // byte i is kNegative<uint8_t> where lane i is set, else 0
};

constexpr MaskTables make_mask_tables() {
  MaskTables tables{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    unsigned set = 0;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      tables.compress[mask] |= std::uint64_t{lane} << (8 * set++);
      tables.spread[mask] |= std::uint64_t{kNegative<std::uint8_t>} << (8 * lane);
    }
  }
  return tables;
}

constexpr MaskTables kMasks = make_mask_tables();
constexpr std::uint64_t kLaneNumbers = 0x0706050403020100;
constexpr std::uint64_t kOnes = 0x0101010101010101;

// One bit a lane: which are sent, and of those with a sum that is not above 0.
struct Hits {
  unsigned sent;
  unsigned negative;
};

Hits compare(__m256 sum, __m256 gradient, __m256 max) {
  const __m256 soft = magnitude_of(_mm256_add_ps(sum, gradient));
  const int sent = _mm256_movemask_ps(_mm256_cmp_ps(soft, max, _CMP_GE_OQ));
  const int positive = _mm256_movemask_ps(_mm256_cmp_ps(sum, _mm256_setzero_ps(), _CMP_GT_OQ));
  return {static_cast<unsigned>(sent), ~static_cast<unsigned>(positive) & 0xff};
}

// Eight codes are written whatever the number of hits, without a branch: up to here at most as many codes
// were written as elements were seen, so that eight more elements mean eight more codes' room.
struct EmitBytes {
  using Code = std::uint8_t;
  static std::size_t emit(Hits hits, std::size_t first, std::byte* codes) {
    const std::uint64_t all = kLaneNumbers + kOnes * first + kMasks.spread[hits.negative];
    const __m128i sent =
        _mm_shuffle_epi8(_mm_cvtsi64_si128(static_cast<long long>(all)),
                         _mm_cvtsi64_si128(static_cast<long long>(kMasks.compress[hits.sent])));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(codes), sent);
    return static_cast<std::size_t>(__builtin_popcount(hits.sent));
  }
};

// Bins of 2-byte codes are long and hits are rare: most masks are empty.
struct EmitWords {
  using Code = std::uint16_t;
  static std::size_t emit(Hits hits, std::size_t first, std::byte* codes) {
    std::size_t written = 0;
    for (unsigned mask = hits.sent; mask != 0; mask &= mask - 1) {
      const auto lane = static_cast<unsigned>(__builtin_ctz(mask));
      const auto code = static_cast<Code>((first + lane) | (hits.negative >> lane & 1) << kIndexBits<Code>);
      std::memcpy(codes + written * sizeof(Code), &code, sizeof(Code));
      ++written;
    }
    return written;
  }
};

// What the first reading of a bin leaves in registers for the second.
struct Added {
  __m256 max;  // in all lanes
  __m256 tail_sum;
  __m256 tail_gradient;
};

Added add_and_max(const float* gradient, float* residue, std::size_t whole, const Tail& tail) {
  __m256 best = _mm256_setzero_ps();
  for (std::size_t i = 0; i < whole; i += kLanes) {
    const __m256 sum = _mm256_add_ps(_mm256_loadu_ps(residue + i), _mm256_loadu_ps(gradient + i));
    _mm256_storeu_ps(residue + i, sum);
    best = _mm256_max_ps(magnitude_of(sum), best);  // returns its second operand for a NaN
  }
  if (tail.lanes == 0) return {max_of_lanes(best), _mm256_setzero_ps(), _mm256_setzero_ps()};
  const __m256 tail_gradient = tail.load(gradient + whole);
  const __m256 tail_sum = _mm256_add_ps(tail.load(residue + whole), tail_gradient);
  tail.store(residue + whole, tail_sum);
  return {max_of_lanes(_mm256_max_ps(magnitude_of(tail_sum), best)), tail_sum, tail_gradient};
}

template <typename Emit>
struct Avx2Bin {
  using Code = typename Emit::Code;

  static PackedBin pack(const float* gradient, float* residue, std::size_t elements,
                        std::size_t elements_left, std::byte* codes) {
    const std::size_t whole = elements / kLanes * kLanes;
    const Tail tail(elements - whole, elements_left - whole);
    const Added added = add_and_max(gradient, residue, whole, tail);
    PackedBin bin{.max = _mm256_cvtss_f32(added.max)};
    if (bin.max == 0.0f) return bin;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      const Hits hits = compare(_mm256_loadu_ps(residue + i), _mm256_loadu_ps(gradient + i), added.max);
      bin.codes += Emit::emit(hits, i, codes + bin.codes * sizeof(Code));
    }
    if (tail.lanes > 0)
      bin.codes += pack_tail(added, whole, tail.has_eight, codes + bin.codes * sizeof(Code));
    return bin;
  }

  // Lanes beyond the tail are 0, below the maximum, and never sent.
  static std::size_t pack_tail(const Added& added, std::size_t first, bool has_eight, std::byte* codes) {
    const Hits hits = compare(added.tail_sum, added.tail_gradient, added.max);
    if (has_eight) return Emit::emit(hits, first, codes);
    std::byte all[kLanes * sizeof(Code)];
    const std::size_t written = Emit::emit(hits, first, all);
    std::memcpy(codes, all, written * sizeof(Code));
    return written;
  }
};

}  // namespace

PackedBins pack_bins_8_avx2(const float* gradient, float* residue, std::size_t elements,
                            std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_all_bins<std::uint8_t, Avx2Bin<EmitBytes>>(gradient, residue, elements, bin_elements, codes,
                                                         bitmap);
}

PackedBins pack_bins_16_avx2(const float* gradient, float* residue, std::size_t elements,
                             std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_all_bins<std::uint16_t, Avx2Bin<EmitWords>>(gradient, residue, elements, bin_elements, codes,
                                                          bitmap);
}

}  // namespace sterna::compressors::kernels
