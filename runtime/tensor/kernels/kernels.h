// Loops over activations that are bound by arithmetic or by memory, one set for each instruction set.
//
// x.cc is the plain reference, x_avx2.cc the vector version. Drawing and applying dropout give equal bits in
// both; the others agree within the roundings that each declaration states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/core/rng.h"

namespace sterna::tensor::kernels {

// Which elements of a stream dropout keeps: those whose random_bits(key, i) are not below `drop_below`.
struct KeepRule {
  RandomKey key;
  std::uint32_t drop_below;
  float scale;  // of those that are kept
};

// Writes one bit for each of elements first to first + elements - 1, bit i % 32 of word i / 32 for first + i:
// 1 where it is kept. Unused bits of the last word are unspecified.
//   first  a multiple of 4; first + elements is below 2^34
using DrawKeepBits = void (*)(const KeepRule& rule, std::uint64_t first, std::size_t elements,
                              std::uint32_t* bits);

// output[i] = input[i] * scale where bit i is 1, else 0. Both may be the same memory.
using Keep = void (*)(const float* input, const std::uint32_t* bits, float scale, std::size_t elements,
                      float* output);

// Layer normalisation of rows [rows, features]: with mean m and 1 / sqrt(variance + epsilon) = r of a row,
//   output = (input - m) * r * scale + shift.
// The variance is the mean of squared deviations from m, so large means cost no accuracy.
struct NormalisedRows {
  const float* input;
  const float* scale;  // [features]
  std::size_t rows;
  std::size_t features;
  float* means;               // [rows]
  float* inverse_deviations;  // [rows]
};
using Normalise = void (*)(const NormalisedRows& of, const float* shift, float epsilon, float* output);

// Overwrites the gradient of the output with that of the input, and adds to the gradients [features] of scale
// and shift.
using NormaliseBackward = void (*)(const NormalisedRows& of, float* gradient, float* scale_gradient,
                                   float* shift_gradient);

// GELU of rows plus bias: with x = rows + bias and P the normal distribution function,
//   output = x * P(x), and rows = P(x) + x * P'(x), the derivative that backward multiplies with.
// P is off by less than 2.5e-7: 0.75e-7 of formula 7.1.26 of Abramowitz and Stegun, and its roundings.
//   bias  [features], or null: none
using Gelu = void (*)(const float* bias, std::size_t row_count, std::size_t features, float* rows,
                      float* output);

// One row of attention scores, `keys` of `columns`; those behind count for nothing and become 0.
//   mask  [keys], added to the scaled scores: 0, or -infinity where a key counts for nothing; null: all count
struct ScoreRow {
  const float* mask;
  float scale;
  std::size_t keys;
  std::size_t columns;
};

// scores = softmax(scale * scores + mask); returns the logarithm of the sum of exponentials, infinity where
// no key counts: all probabilities are 0 then. Exponentials are off by less than 2^-22 of themselves.
using Softmax = float (*)(const ScoreRow& row, float* scores);

// The same probabilities again, from what Softmax returned.
using SoftmaxAgain = void (*)(const ScoreRow& row, float log_sum, float* scores);

// gradients = scale * p * (gradients - sum(p * gradients)): from probabilities to scores before the scale.
using SoftmaxBackward = void (*)(const float* probabilities, float scale, std::size_t columns,
                                 float* gradients);

// output = exp(input - shift), each off by less than 2^-22 of itself, 0 where it would be below 2^-125; a NaN
// stays a NaN, and becomes one where input and shift are the same infinity. Input is at most shift.
using ShiftedExponentials = void (*)(const float* input, float shift, std::size_t elements, float* output);

struct Kernels {
  std::string_view name;
  DrawKeepBits draw_keep_bits = nullptr;
  Keep keep = nullptr;
  Normalise normalise = nullptr;
  NormaliseBackward normalise_backward = nullptr;
  Gelu gelu = nullptr;
  Softmax softmax = nullptr;
  SoftmaxAgain softmax_again = nullptr;
  SoftmaxBackward softmax_backward = nullptr;
  ShiftedExponentials shifted_exponentials = nullptr;
};

// Those that this processor can run, the plain reference first, the fastest last.
[[nodiscard]] std::vector<Kernels> supported_kernels();

// The fastest of them; chosen once.
[[nodiscard]] const Kernels& fastest_kernels();

void draw_keep_bits_plain(const KeepRule&, std::uint64_t, std::size_t, std::uint32_t*);
void keep_plain(const float*, const std::uint32_t*, float, std::size_t, float*);
void normalise_plain(const NormalisedRows&, const float*, float, float*);
void normalise_backward_plain(const NormalisedRows&, float*, float*, float*);
void gelu_plain(const float*, std::size_t, std::size_t, float*, float*);
float softmax_plain(const ScoreRow&, float*);
void softmax_again_plain(const ScoreRow&, float, float*);
void softmax_backward_plain(const float*, float, std::size_t, float*);
void shifted_exponentials_plain(const float*, float, std::size_t, float*);

// To be called only where has_avx2() of runtime/core/processor.h is true.
[[nodiscard]] Kernels avx2_kernels();

void draw_keep_bits_avx2(const KeepRule&, std::uint64_t, std::size_t, std::uint32_t*);
void keep_avx2(const float*, const std::uint32_t*, float, std::size_t, float*);
void normalise_avx2(const NormalisedRows&, const float*, float, float*);
void normalise_backward_avx2(const NormalisedRows&, float*, float*, float*);
void gelu_avx2(const float*, std::size_t, std::size_t, float*, float*);
float softmax_avx2(const ScoreRow&, float*);
void softmax_again_avx2(const ScoreRow&, float, float*);
void softmax_backward_avx2(const float*, float, std::size_t, float*);
void shifted_exponentials_avx2(const float*, float, std::size_t, float*);

}  // namespace sterna::tensor::kernels
