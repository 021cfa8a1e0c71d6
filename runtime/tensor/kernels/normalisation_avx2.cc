// Eight lanes at a time. A patch is read once from memory for its moments: the second reading, for the
// deviations from its mean, finds it in the L1 or L2 cache.
#include <immintrin.h>

#include "runtime/core/processor.h"
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/kernels/normalisation.h"

namespace sterna::tensor::kernels {
namespace {

constexpr std::size_t kLanes = 8;

// Chains of additions that are under way at a time; one alone would wait for each sum.
constexpr std::size_t kChains = 4;

struct Chains {
  __m256 sums[kChains] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};

  __m256 total() const {
    return _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
  }
};

// Calls visit(element, chain) for each position of the group of eight lanes that starts at `lane`.
template <typename Visit>
void for_each_position(Patch patch, std::size_t lane, const Visit& visit) {
  const std::size_t end = patch.positions * patch.lanes;
  const std::size_t stride = patch.lanes;
  std::size_t at = lane;
  for (; at + (kChains - 1) * stride < end; at += kChains * stride) {
    visit(at, 0);
    visit(at + stride, 1);
    visit(at + 2 * stride, 2);
    visit(at + 3 * stride, 3);
  }
  for (; at < end; at += stride) visit(at, 0);
}

struct Lanes {
  Lanes(const Affine& affine, const Clamp& clamp, std::size_t lane)
      : mean(_mm256_loadu_ps(affine.mean + lane)),
        scale(_mm256_loadu_ps(affine.scale + lane)),
        shift(_mm256_loadu_ps(affine.shift + lane)),
        lower(_mm256_set1_ps(clamp.lower)),
        upper(_mm256_set1_ps(clamp.upper)) {}

  __m256 deviation(const float* x) const { return _mm256_sub_ps(_mm256_loadu_ps(x), mean); }
  __m256 affine_of(__m256 deviation) const { return _mm256_fmadd_ps(deviation, scale, shift); }

  // Both instructions return their second operand for a NaN.
  __m256 clamped(__m256 z) const { return _mm256_min_ps(upper, _mm256_max_ps(lower, z)); }

  // Not below and not above, so that it holds for a NaN.
  __m256 passed(__m256 z, __m256 gradient) const {
    const __m256 is_inside =
        _mm256_and_ps(_mm256_cmp_ps(z, lower, _CMP_NLE_UQ), _mm256_cmp_ps(z, upper, _CMP_NGE_UQ));
    return _mm256_and_ps(is_inside, gradient);
  }

  __m256 mean, scale, shift, lower, upper;
};

void moments(Patch patch, const float* x, float* mean, float* squares) {
  const __m256 positions = _mm256_set1_ps(static_cast<float>(patch.positions));
  for (std::size_t lane = 0; lane < patch.lanes; lane += kLanes) {
    Chains sum, square;
    for_each_position(patch, lane, [&](std::size_t at, std::size_t chain) {
      sum.sums[chain] = _mm256_add_ps(sum.sums[chain], _mm256_loadu_ps(x + at));
    });
    const __m256 center = _mm256_div_ps(sum.total(), positions);
    for_each_position(patch, lane, [&](std::size_t at, std::size_t chain) {
      const __m256 deviation = _mm256_sub_ps(_mm256_loadu_ps(x + at), center);
      square.sums[chain] = _mm256_fmadd_ps(deviation, deviation, square.sums[chain]);
    });
    _mm256_storeu_ps(mean + lane, center);
    _mm256_storeu_ps(squares + lane, square.total());
  }
}

void normalise(Patch patch, Affine affine, Clamp clamp, const float* x, const float* addend, float* y) {
  for (std::size_t lane = 0; lane < patch.lanes; lane += kLanes) {
    const Lanes lanes(affine, clamp, lane);
    if (addend == nullptr) {
      for_each_position(patch, lane, [&](std::size_t at, std::size_t) {
        _mm256_storeu_ps(y + at, lanes.clamped(lanes.affine_of(lanes.deviation(x + at))));
      });
    } else {
      for_each_position(patch, lane, [&](std::size_t at, std::size_t) {
        const __m256 z = lanes.affine_of(lanes.deviation(x + at));
        _mm256_storeu_ps(y + at, lanes.clamped(_mm256_add_ps(z, _mm256_loadu_ps(addend + at))));
      });
    }
  }
}

void reduce(Patch patch, Affine affine, Clamp clamp, const float* x, const float* gradient, float* sums,
            float* products) {
  for (std::size_t lane = 0; lane < patch.lanes; lane += kLanes) {
    const Lanes lanes(affine, clamp, lane);
    Chains sum, product;
    for_each_position(patch, lane, [&](std::size_t at, std::size_t chain) {
      const __m256 deviation = lanes.deviation(x + at);
      const __m256 g = lanes.passed(lanes.affine_of(deviation), _mm256_loadu_ps(gradient + at));
      sum.sums[chain] = _mm256_add_ps(sum.sums[chain], g);
      product.sums[chain] = _mm256_fmadd_ps(g, deviation, product.sums[chain]);
    });
    _mm256_storeu_ps(sums + lane, sum.total());
    _mm256_storeu_ps(products + lane, product.total());
  }
}

void mask_and_reduce(Patch patch, Affine affine, Clamp clamp, const float* x, const float* y, float* gradient,
                     float* sums, float* products) {
  for (std::size_t lane = 0; lane < patch.lanes; lane += kLanes) {
    const Lanes lanes(affine, clamp, lane);
    Chains sum, product;
    for_each_position(patch, lane, [&](std::size_t at, std::size_t chain) {
      const __m256 g = lanes.passed(_mm256_loadu_ps(y + at), _mm256_loadu_ps(gradient + at));
      _mm256_storeu_ps(gradient + at, g);
      sum.sums[chain] = _mm256_add_ps(sum.sums[chain], g);
      product.sums[chain] = _mm256_fmadd_ps(g, lanes.deviation(x + at), product.sums[chain]);
    });
    _mm256_storeu_ps(sums + lane, sum.total());
    _mm256_storeu_ps(products + lane, product.total());
  }
}

void apply(Patch patch, Affine affine, Clamp clamp, const float* by_deviation, const float* constant,
           const float* x, const float* gradient, float* to) {
  for (std::size_t lane = 0; lane < patch.lanes; lane += kLanes) {
    const Lanes lanes(affine, clamp, lane);
    const __m256 slope = _mm256_loadu_ps(by_deviation + lane);
    const __m256 offset = _mm256_loadu_ps(constant + lane);
    for_each_position(patch, lane, [&](std::size_t at, std::size_t) {
      const __m256 deviation = lanes.deviation(x + at);
      const __m256 g = lanes.passed(lanes.affine_of(deviation), _mm256_loadu_ps(gradient + at));
      const __m256 rest = _mm256_fmadd_ps(deviation, slope, offset);
      _mm256_storeu_ps(to + at, _mm256_fmadd_ps(g, lanes.scale, rest));
    });
  }
}

constexpr NormalisationKernels kAvx2 = {"avx2", moments, normalise, reduce, mask_and_reduce, apply};

}  // namespace

const NormalisationKernels* vector_normalisation() {
  return has_avx2() ? &kAvx2 : nullptr;
}

}  // namespace sterna::tensor::kernels
