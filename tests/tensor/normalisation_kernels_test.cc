// The vector kernels against the plain ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/core/rng.h"
#include "runtime/tensor/kernels/normalisation.h"

namespace sterna::tensor::kernels {
namespace {

std::vector<float> normal(std::size_t elements, std::uint64_t seed) {
  std::vector<float> values(elements);
  for (std::size_t i = 0; i < elements; ++i) values[i] = random_normal({.seed = seed}, i);
  return values;
}

// Terms are below 4^3 = 64; a sum of P terms rounds at most P times.
void expect_near(const std::vector<float>& got, const std::vector<float>& expected, std::size_t roundings) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double bound = std::ldexp(64.0 * static_cast<double>(roundings), -24);
    ASSERT_NEAR(static_cast<double>(got[i]), static_cast<double>(expected[i]), bound) << i;
  }
}

struct Results {
  std::vector<float> mean, squares, output, added, sums, products, masked, gradient;
};

Results run(const NormalisationKernels& kernels, Patch patch) {
  const std::size_t elements = patch.positions * patch.lanes;
  const std::vector<float> x = normal(elements, 1), addend = normal(elements, 2),
                           mean = normal(patch.lanes, 3), scale = normal(patch.lanes, 4),
                           shift = normal(patch.lanes, 5);
  const std::vector<float> row(patch.lanes), all(elements);
  Results r{row, row, all, all, row, row, normal(elements, 6), normal(elements, 6)};
  const Affine affine{mean.data(), scale.data(), shift.data()};
  const Clamp clamp{.lower = 0.0f, .upper = 1.5f};
  kernels.moments(patch, x.data(), r.mean.data(), r.squares.data());
  kernels.normalise(patch, affine, clamp, x.data(), nullptr, r.output.data());
  kernels.normalise(patch, affine, clamp, x.data(), addend.data(), r.added.data());
  kernels.reduce(patch, affine, clamp, x.data(), r.gradient.data(), r.sums.data(), r.products.data());
  kernels.apply(patch, affine, clamp, mean.data(), shift.data(), x.data(), r.gradient.data(),
                r.gradient.data());
  std::vector<float> sums(row), products(row);
  kernels.mask_and_reduce(patch, affine, clamp, x.data(), r.added.data(), r.masked.data(), sums.data(),
                          products.data());
  r.sums.insert(r.sums.end(), sums.begin(), sums.end());
  r.products.insert(r.products.end(), products.begin(), products.end());
  return r;
}

TEST(NormalisationKernels, AgreeWithThePlainOnes) {
  const NormalisationKernels* vectors = vector_normalisation();
  if (vectors == nullptr) {
    EXPECT_EQ(&normalisation_for(8), &kPlainNormalisation);
    return;
  }
  for (std::size_t lanes : {8u, 16u}) {
    for (std::size_t positions : {1u, 3u, 4u, 5u, 64u, 199u}) {
      const Patch patch{.positions = positions, .lanes = lanes};
      const Results got = run(*vectors, patch);
      const Results expected = run(kPlainNormalisation, patch);
      expect_near(got.mean, expected.mean, positions);
      expect_near(got.squares, expected.squares, 2 * positions);
      expect_near(got.output, expected.output, 4);
      expect_near(got.added, expected.added, 4);
      expect_near(got.sums, expected.sums, positions);
      expect_near(got.products, expected.products, 2 * positions);
      expect_near(got.masked, expected.masked, 1);
      expect_near(got.gradient, expected.gradient, 4);
    }
  }
}

TEST(NormalisationKernels, KeepANan) {
  for (const NormalisationKernels* kernels : {&kPlainNormalisation, &normalisation_for(8)}) {
    std::vector<float> x(8, std::nanf("")), zero(8, 0.0f), one(8, 1.0f), y(8);
    kernels->normalise({1, 8}, {zero.data(), one.data(), zero.data()}, {.lower = 0.0f}, x.data(), nullptr,
                       y.data());
    EXPECT_TRUE(std::ranges::all_of(y, [](float value) { return std::isnan(value); })) << kernels->name;
  }
}

}  // namespace
}  // namespace sterna::tensor::kernels
