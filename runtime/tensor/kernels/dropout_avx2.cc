// Eight blocks of Philox side by side: 32 elements for ten rounds.
#include <immintrin.h>

#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {
namespace {

struct Counters {
  __m256i words[4];  // words[w], lane b: word w of block b
};

// High and low halves of the eight 64-bit products.
struct Wide {
  __m256i high, low;
};

Wide multiply(__m256i x, __m256i factor) {
  const __m256i even = _mm256_mul_epu32(x, factor);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), factor);
  return {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA),
          _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA)};
}

__m256i all(std::uint32_t word) {
  return _mm256_set1_epi32(static_cast<int>(word));
}

// As philox() of runtime/core/rng.h.
Counters philox_of_eight(Counters c, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const Wide first = multiply(c.words[0], all(0xD2511F53u));
    const Wide second = multiply(c.words[2], all(0xCD9E8D57u));
    c = {{_mm256_xor_si256(_mm256_xor_si256(second.high, c.words[1]), all(key0)), second.low,
          _mm256_xor_si256(_mm256_xor_si256(first.high, c.words[3]), all(key1)), first.low}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c;
}

// Bit 4 * b + w is 1 where word w of block b is not below the limit.
std::uint32_t word_of_bits(const Counters& c, __m256i limit) {
  __m256i nibbles = _mm256_setzero_si256();
  for (int w = 0; w < 4; ++w) {
    const __m256i is_kept = _mm256_cmpeq_epi32(_mm256_max_epu32(c.words[w], limit), c.words[w]);
    nibbles = _mm256_or_si256(nibbles, _mm256_and_si256(is_kept, _mm256_set1_epi32(1 << w)));
  }
  nibbles = _mm256_sllv_epi32(nibbles, _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
  __m128i half = _mm_or_si128(_mm256_castsi256_si128(nibbles), _mm256_extracti128_si256(nibbles, 1));
  half = _mm_or_si128(half, _mm_shuffle_epi32(half, 0x4E));
  half = _mm_or_si128(half, _mm_shuffle_epi32(half, 0xB1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(half));
}

}  // namespace

void draw_keep_bits_avx2(const KeepRule& rule, std::uint64_t first, std::size_t elements,
                         std::uint32_t* bits) {
  const RandomBlock block = random_block(rule.key, first);
  const __m256i limit = all(rule.drop_below);
  __m256i low = _mm256_add_epi32(all(block.counter[0]), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  for (std::size_t begin = 0; begin < elements; begin += 32) {
    const Counters counters = {{low, all(block.counter[1]), all(block.counter[2]), all(block.counter[3])}};
    bits[begin / 32] = word_of_bits(philox_of_eight(counters, block.key[0], block.key[1]), limit);
    low = _mm256_add_epi32(low, _mm256_set1_epi32(8));
  }
}

void keep_avx2(const float* input, const std::uint32_t* bits, float scale, std::size_t elements,
               float* output) {
  const __m256i bit_of_lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256 factor = _mm256_set1_ps(scale);
  std::size_t i = 0;
  for (; i + 8 <= elements; i += 8) {
    const __m256i word = all(bits[i / 32] >> (i % 32));
    const __m256i is_kept = _mm256_cmpeq_epi32(_mm256_and_si256(word, bit_of_lane), bit_of_lane);
    const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(input + i), factor);
    _mm256_storeu_ps(output + i, _mm256_and_ps(scaled, _mm256_castsi256_ps(is_kept)));
  }
  for (; i < elements; ++i) {
    output[i] = (bits[i / 32] >> (i % 32) & 1) != 0 ? input[i] * scale : 0.0f;
  }
}

}  // namespace sterna::tensor::kernels
