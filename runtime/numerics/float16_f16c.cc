// The F16C instructions round to nearest even, keep subnormals and quiet a signalling NaN, as value_format.cc
// does.
#include <immintrin.h>

#include "runtime/numerics/float16_kernels.h"

namespace sterna::numerics {
namespace {

constexpr std::size_t kLanes = 8;
constexpr std::size_t kHalfBytes = 2;

__m128i to_half(const float* values) {
  return _mm256_cvtps_ph(_mm256_loadu_ps(values), _MM_FROUND_TO_NEAREST_INT);
}

// A tail shorter than a vector goes through a buffer of one vector, and the same instruction.
void pack_f16c(const float* values, std::size_t n, std::byte* bytes) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + i * kHalfBytes), to_half(values + i));
  }
  if (i == n) return;
  alignas(32) float tail[kLanes] = {};
  alignas(16) std::byte packed[kLanes * kHalfBytes];
  __builtin_memcpy(tail, values + i, (n - i) * sizeof(float));
  _mm_store_si128(reinterpret_cast<__m128i*>(packed), to_half(tail));
  __builtin_memcpy(bytes + i * kHalfBytes, packed, (n - i) * kHalfBytes);
}

void unpack_f16c(const std::byte* bytes, std::size_t n, float* values) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i * kHalfBytes));
    _mm256_storeu_ps(values + i, _mm256_cvtph_ps(half));
  }
  if (i == n) return;
  alignas(16) std::byte tail[kLanes * kHalfBytes] = {};
  alignas(32) float unpacked[kLanes];
  __builtin_memcpy(tail, bytes + i * kHalfBytes, (n - i) * kHalfBytes);
  _mm256_store_ps(unpacked, _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(tail))));
  __builtin_memcpy(values + i, unpacked, (n - i) * sizeof(float));
}

constexpr Float16Kernels kKernels = {"f16c", pack_f16c, unpack_f16c};

}  // namespace

const Float16Kernels* f16c_kernels() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c") ? &kKernels : nullptr;
}

}  // namespace sterna::numerics
