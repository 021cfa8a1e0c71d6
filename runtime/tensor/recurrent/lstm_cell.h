// What an LSTM does at one time step beside its products: gates, cell and state of every sequence of a batch.
//
// With i, f, o the logistic function of their sums and g the hyperbolic tangent of its own:
//   cell = f * cell_before + i * g,  state = o * tanh(cell)
// Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; torch.nn.LSTM.
#pragma once

#include <cstddef>

namespace sterna::tensor {

struct LstmStep {
  std::size_t sequences;  // B
  std::size_t units;      // H, of the state and of each gate
};

struct LstmCellsForward {
  const float* from_state;   // [B, 4 H], the product of the state before; null: it was 0
  const float* cell_before;  // [B, H]; null: 0
  float* gates;              // [B, 4 H]: sums of bias and the product of the input; overwritten by i, f, g, o
  float* cell;               // [B, H]
  float* state;              // [B, H]
};

void lstm_cells_forward(const LstmStep& step, const LstmCellsForward& cells);

struct LstmCellsBackward {
  const float* output_gradient;        // [B, H], from the layer behind
  std::size_t output_gradient_stride;  // elements from one of its rows to the next
  const float* state_gradient;         // [B, H], from the next time step; null: 0
  const float* cell_before;            // [B, H]; null: 0
  const float* cell;                   // [B, H]
  float* cell_gradient;  // [B, H]: from the next time step; overwritten by what the one before gets
  float* gates;          // [B, 4 H]: i, f, g, o; overwritten by the gradients of their sums
};

void lstm_cells_backward(const LstmStep& step, const LstmCellsBackward& cells);

}  // namespace sterna::tensor
