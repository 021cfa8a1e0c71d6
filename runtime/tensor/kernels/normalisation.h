// The inner loops of batch normalisation, over one sample's part of a few channels that lie side by side.
//
// The kernels of a set agree with the plain ones within rounding: those with AVX2 fuse multiplications and
// additions, and sum in another order. Each of them gives the same bits again.
#pragma once

#include <cstddef>
#include <limits>

namespace sterna::tensor::kernels {

// Elements [positions, lanes], without gaps.
struct Patch {
  std::size_t positions;
  std::size_t lanes;
};

// y = min(max(z, lower), upper), whose gradient passes where lower < z < upper; a NaN stays a NaN.
struct Clamp {
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();
};

// z = (x - mean) * scale + shift; each [lanes].
struct Affine {
  const float* mean;
  const float* scale;
  const float* shift;
};

struct NormalisationKernels {
  const char* name;

  // Of each lane: mean = sum x / positions, squares = sum (x - mean)^2.
  void (*moments)(Patch patch, const float* x, float* mean, float* squares);

  // y = clamp(affine(x) + addend); no addend where it is null.
  void (*normalise)(Patch patch, Affine affine, Clamp clamp, const float* x, const float* addend, float* y);

  // Of each lane: sums = sum g, products = sum g * (x - mean), where g is the gradient that the clamp lets
  // through, `gradient` being that of y = clamp(affine(x)).
  void (*reduce)(Patch patch, Affine affine, Clamp clamp, const float* x, const float* gradient, float* sums,
                 float* products);

  // The same where y had an addend: the clamp goes by y, and g is left in `gradient`.
  void (*mask_and_reduce)(Patch patch, Affine affine, Clamp clamp, const float* x, const float* y,
                          float* gradient, float* sums, float* products);

  // to = g * scale + (x - mean) * by_deviation + constant, with g as in reduce(); may be in place.
  //   by_deviation, constant  [lanes]
  void (*apply)(Patch patch, Affine affine, Clamp clamp, const float* by_deviation, const float* constant,
                const float* x, const float* gradient, float* to);
};

extern const NormalisationKernels kPlainNormalisation;  // any number of lanes

// For numbers of lanes that are multiples of 8. Null where this processor, or this build, has none.
[[nodiscard]] const NormalisationKernels* vector_normalisation();

// The fastest kernels for so many lanes.
[[nodiscard]] const NormalisationKernels& normalisation_for(std::size_t lanes);

}  // namespace sterna::tensor::kernels
