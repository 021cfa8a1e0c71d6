// A bin of 1-byte codes, 64 elements at most, stays in registers between the maximum and the comparison; a
// longer one is read twice, the second time from the L1 cache.
#include <type_traits>

#include "compressors/kernels/bins_loop.h"
#include "compressors/kernels/lanes_avx512.h"

namespace sterna::compressors::kernels {
namespace {

constexpr std::size_t kVectorBytes = 64;

// 0, 1, 2, ...: the indices of a vector of codes.
template <typename Code>
struct alignas(kVectorBytes) LaneNumbers {
  Code of[kVectorBytes / sizeof(Code)];
};

template <typename Code>
constexpr LaneNumbers<Code> make_lane_numbers() {
  LaneNumbers<Code> numbers{};
  for (std::size_t i = 0; i < kVectorBytes / sizeof(Code); ++i) numbers.of[i] = static_cast<Code>(i);
  return numbers;
}

template <typename Code>
constexpr LaneNumbers<Code> kLaneNumbers = make_lane_numbers<Code>();

// One bit a lane: which are sent, and which have a sum that is not above 0.
struct Hits {
  __mmask16 sent;
  __mmask16 negative;
};

Hits compare(__m512 sum, __m512 gradient, __m512 max) {
  const __m512 soft = _mm512_abs_ps(_mm512_add_ps(sum, gradient));
  return {_mm512_cmp_ps_mask(soft, max, _CMP_GE_OQ),
          _mm512_cmp_ps_mask(sum, _mm512_setzero_ps(), _CMP_NGT_UQ)};
}

// Bins of at most kVectors vectors. Lanes beyond a bin are 0, below a maximum that is not, and so never sent.
template <std::size_t kVectors>
struct ShortBin {
  using Code = std::uint8_t;

  static PackedBin pack(const float* gradient, float* residue, std::size_t elements,
                        std::size_t elements_left, std::byte* codes) {
    constexpr std::size_t kWhole = (kVectors - 1) * kLanes;
    if constexpr (kVectors > 1) {
      if (elements <= kWhole)  // a layer's last bin
        return ShortBin<kVectors - 1>::pack(gradient, residue, elements, elements_left, codes);
    }
    __m512 sums[kVectors];
    __m512 gradients[kVectors];
    __m512 best = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t first = v * kLanes;
      const bool is_whole = first < kWhole;
      const __mmask16 lanes = first_lanes(is_whole ? kLanes : elements - kWhole);
      gradients[v] = _mm512_maskz_loadu_ps(lanes, gradient + first);
      sums[v] = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, residue + first), gradients[v]);
      store_first(residue + first, sums[v], is_whole ? kLanes : elements - kWhole);
      best = _mm512_max_ps(_mm512_abs_ps(sums[v]), best);  // returns its second operand for a NaN
    }
    const float max = _mm512_reduce_max_ps(best);
    if (max == 0.0f) return {};
    std::uint64_t sent = 0;
    std::uint64_t negative = 0;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Hits hits = compare(sums[v], gradients[v], _mm512_set1_ps(max));
      sent |= std::uint64_t{hits.sent} << (v * kLanes);
      negative |= std::uint64_t{hits.negative} << (v * kLanes);
    }
    return {.max = max, .codes = emit(sent, negative, elements_left, codes)};
  }

  // The codes of all lanes, of which those that are sent move together. Up to here at most as many codes were
  // written as elements were seen, so that 64 more elements mean room for a whole vector.
  static std::size_t emit(std::uint64_t sent, std::uint64_t negative, std::size_t elements_left,
                          std::byte* codes) {
    const __m512i index = _mm512_load_si512(kLaneNumbers<Code>.of);
    const __m512i all = _mm512_mask_add_epi8(index, negative, index, _mm512_set1_epi8(kNegative<Code>));
    const __m512i packed = _mm512_maskz_compress_epi8(sent, all);
    const auto count = static_cast<std::size_t>(__builtin_popcountll(sent));
    if (elements_left >= kVectorBytes) {
      _mm512_storeu_si512(codes, packed);
    } else {
      _mm512_mask_storeu_epi8(codes, (std::uint64_t{1} << count) - 1, packed);
    }
    return count;
  }
};

struct LongBin {
  using Code = std::uint16_t;
  static constexpr std::size_t kCodeLanes = kVectorBytes / sizeof(Code);

  static PackedBin pack(const float* gradient, float* residue, std::size_t elements,
                        std::size_t elements_left, std::byte* codes) {
    PackedBin bin{.max = add_and_max(gradient, residue, elements)};
    if (bin.max == 0.0f) return bin;
    const __m512 max = _mm512_set1_ps(bin.max);
    for (std::size_t i = 0; i < elements; i += kCodeLanes) {
      // The next bin's lines come while this one's are in the cache: 16 Mi elements took 0.1 additions less.
      prefetch_lines(gradient + elements + i);
      prefetch_lines(residue + elements + i);
      const Hits low = compare_at(gradient + i, residue + i, elements - i, max);
      const Hits high = elements - i > kLanes ? compare_at(gradient + i + kLanes, residue + i + kLanes,
                                                           elements - i - kLanes, max)
                                              : Hits{};
      bin.codes += emit(_mm512_kunpackw(high.sent, low.sent), _mm512_kunpackw(high.negative, low.negative), i,
                        elements_left - i, codes + bin.codes * sizeof(Code));
    }
    return bin;
  }

  // Of kCodeLanes values. Behind the layer's end nothing is read.
  static void prefetch_lines(const float* values) {
    _mm_prefetch(reinterpret_cast<const char*>(values), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(values) + kVectorBytes, _MM_HINT_T0);
  }

  static float add_and_max(const float* gradient, float* residue, std::size_t elements) {
    __m512 best = _mm512_setzero_ps();
    for (std::size_t i = 0; i < elements; i += kLanes) {
      const __mmask16 lanes = first_lanes(elements - i);
      const __m512 sum = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, residue + i),
                                       _mm512_maskz_loadu_ps(lanes, gradient + i));
      store_first(residue + i, sum, elements - i);
      best = _mm512_max_ps(_mm512_abs_ps(sum), best);  // returns its second operand for a NaN
    }
    return _mm512_reduce_max_ps(best);
  }

  static Hits compare_at(const float* gradient, const float* residue, std::size_t elements, __m512 max) {
    const __mmask16 lanes = first_lanes(elements);
    return compare(_mm512_maskz_loadu_ps(lanes, residue), _mm512_maskz_loadu_ps(lanes, gradient), max);
  }

  // Without a branch on whether there are any: hits are rare, but cannot be guessed. As for room, see
  // ShortBin.
  static std::size_t emit(__mmask32 sent, __mmask32 negative, std::size_t first, std::size_t elements_left,
                          std::byte* codes) {
    const __m512i index = _mm512_add_epi16(_mm512_load_si512(kLaneNumbers<Code>.of),
                                           _mm512_set1_epi16(static_cast<short>(first)));
    const __m512i all = _mm512_mask_add_epi16(index, negative, index, _mm512_set1_epi16(kNegative<Code>));
    const __m512i packed = _mm512_maskz_compress_epi16(sent, all);
    const auto count = static_cast<std::size_t>(__builtin_popcount(sent));
    if (elements_left >= kCodeLanes) {
      _mm512_storeu_si512(codes, packed);
    } else {
      _mm512_mask_storeu_epi16(codes, (1u << count) - 1, packed);
    }
    return count;
  }
};

}  // namespace

PackedBins pack_bins_8_avx512(const float* gradient, float* residue, std::size_t elements,
                              std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  const auto pack = [&]<std::size_t kVectors>(std::integral_constant<std::size_t, kVectors>) {
    return pack_all_bins<std::uint8_t, ShortBin<kVectors>>(gradient, residue, elements, bin_elements, codes,
                                                           bitmap);
  };
  if (bin_elements <= kLanes) return pack(std::integral_constant<std::size_t, 1>{});
  if (bin_elements <= 2 * kLanes) return pack(std::integral_constant<std::size_t, 2>{});
  if (bin_elements <= 3 * kLanes) return pack(std::integral_constant<std::size_t, 3>{});
  return pack(std::integral_constant<std::size_t, 4>{});
}

PackedBins pack_bins_16_avx512(const float* gradient, float* residue, std::size_t elements,
                               std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_all_bins<std::uint16_t, LongBin>(gradient, residue, elements, bin_elements, codes, bitmap);
}

}  // namespace sterna::compressors::kernels
