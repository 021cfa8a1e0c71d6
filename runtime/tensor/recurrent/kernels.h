// The inner loops of recurrent layers. x.cc is the plain reference; x_avx2.cc agrees with it within the
// bounds stated here, which are relative to exact arithmetic.
#pragma once

#include <cstddef>

namespace sterna::tensor::recurrent {

// Relative errors of the AVX2 functions, for all arguments but the smallest: sigmoid(x) for x >= -87 (below,
// it is less than 2^-125 instead), tanh(x) wherever tanh(x) is no denormal number. A NaN stays a NaN.
inline constexpr double kSigmoidError = 5.0 / (1 << 24);
inline constexpr double kTanhError = 6.0 / (1 << 24);

// One sequence at one time step of an LSTM; gates lie as [4, units]: input, forget, cell, output.
struct CellForward {
  std::size_t units;
  const float* from_state;   // [4, units], what the weights make of the state before; null: nothing
  const float* cell_before;  // [units]; null: 0
  float* gates;  // [4, units]: what bias and weights make of the input; overwritten by the activations
  float* cell;   // [units]
  float* state;  // [units], the output
};

struct CellBackward {
  std::size_t units;
  const float* output_gradient;  // [units], from the layer behind
  const float* state_gradient;   // [units], from the next time step; null: 0
  const float* cell_before;      // [units]; null: 0
  const float* cell;             // [units]
  float* cell_gradient;  // [units]: of `cell`, from the next time step; overwritten by that of cell_before
  float* gates;          // [4, units]: activations; overwritten by the gradients before activation
};

void cell_forward_plain(const CellForward& at);
void cell_backward_plain(const CellBackward& at);

// To be called only where has_avx2().
void cell_forward_avx2(const CellForward& at);
void cell_backward_avx2(const CellBackward& at);

}  // namespace sterna::tensor::recurrent
