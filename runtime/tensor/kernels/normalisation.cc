#include "runtime/tensor/kernels/normalisation.h"

namespace sterna::tensor::kernels {
namespace {

float affine_of(const Affine& affine, std::size_t lane, float x) {
  return (x - affine.mean[lane]) * affine.scale[lane] + affine.shift[lane];
}

float clamped(const Clamp& clamp, float z) {
  if (z <= clamp.lower) return clamp.lower;
  return z >= clamp.upper ? clamp.upper : z;
}

float passed(const Clamp& clamp, float z, float gradient) {
  return z <= clamp.lower || z >= clamp.upper ? 0.0f : gradient;
}

void moments(Patch patch, const float* x, float* mean, float* squares) {
  for (std::size_t lane = 0; lane < patch.lanes; ++lane) {
    float sum = 0.0f;
    for (std::size_t p = 0; p < patch.positions; ++p) sum += x[p * patch.lanes + lane];
    mean[lane] = sum / static_cast<float>(patch.positions);
    squares[lane] = 0.0f;
    for (std::size_t p = 0; p < patch.positions; ++p) {
      const float deviation = x[p * patch.lanes + lane] - mean[lane];
      squares[lane] += deviation * deviation;
    }
  }
}

void normalise(Patch patch, Affine affine, Clamp clamp, const float* x, const float* addend, float* y) {
  for (std::size_t p = 0; p < patch.positions; ++p) {
    for (std::size_t lane = 0; lane < patch.lanes; ++lane) {
      const std::size_t at = p * patch.lanes + lane;
      y[at] = clamped(clamp, affine_of(affine, lane, x[at]) + (addend == nullptr ? 0.0f : addend[at]));
    }
  }
}

void reduce(Patch patch, Affine affine, Clamp clamp, const float* x, const float* gradient, float* sums,
            float* products) {
  for (std::size_t lane = 0; lane < patch.lanes; ++lane) {
    sums[lane] = products[lane] = 0.0f;
    for (std::size_t at = lane; at < patch.positions * patch.lanes; at += patch.lanes) {
      const float g = passed(clamp, affine_of(affine, lane, x[at]), gradient[at]);
      sums[lane] += g;
      products[lane] += g * (x[at] - affine.mean[lane]);
    }
  }
}

void mask_and_reduce(Patch patch, Affine affine, Clamp clamp, const float* x, const float* y, float* gradient,
                     float* sums, float* products) {
  for (std::size_t at = 0; at < patch.positions * patch.lanes; ++at) {
    gradient[at] = passed(clamp, y[at], gradient[at]);
  }
  reduce(patch, affine, {}, x, gradient, sums, products);
}

void apply(Patch patch, Affine affine, Clamp clamp, const float* by_deviation, const float* constant,
           const float* x, const float* gradient, float* to) {
  for (std::size_t p = 0; p < patch.positions; ++p) {
    for (std::size_t lane = 0; lane < patch.lanes; ++lane) {
      const std::size_t at = p * patch.lanes + lane;
      const float g = passed(clamp, affine_of(affine, lane, x[at]), gradient[at]);
      to[at] = g * affine.scale[lane] + (x[at] - affine.mean[lane]) * by_deviation[lane] + constant[lane];
    }
  }
}

}  // namespace

const NormalisationKernels kPlainNormalisation = {"plain", moments,         normalise,
                                                  reduce,  mask_and_reduce, apply};

const NormalisationKernels& normalisation_for(std::size_t lanes) {
  const NormalisationKernels* vectors = vector_normalisation();
  return lanes % 8 == 0 && vectors != nullptr ? *vectors : kPlainNormalisation;
}

}  // namespace sterna::tensor::kernels
