// The cells of an LSTM at one time step: a thread for each unit of each sequence. What they compute stands in
// ../../recurrent/lstm_cell.h.
#pragma once

#include <cmath>

#include "runtime/tensor/cuda/kernels/elementwise.h"
#include "runtime/tensor/recurrent/lstm_cell.h"

namespace sterna::tensor::cuda {

STERNA_DEVICE float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

struct LstmForward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, LstmCellsForward cells, std::uint32_t sequences,
                                std::uint32_t units) {
    for_each_element(context, sequences * units, [&](std::uint32_t i) {
      const std::size_t first = std::size_t{i / units} * 4 * units + i % units;  // of the row's gates
      float sums[4];
      for (std::uint32_t gate = 0; gate < 4; ++gate) {
        const std::size_t at = first + gate * units;
        sums[gate] = cells.gates[at] + (cells.from_state == nullptr ? 0.0f : cells.from_state[at]);
      }
      const float input = sigmoid(sums[0]);
      const float forget = sigmoid(sums[1]);
      const float candidate = std::tanh(sums[2]);
      const float output = sigmoid(sums[3]);
      const float before = cells.cell_before == nullptr ? 0.0f : cells.cell_before[i];
      const float cell = forget * before + input * candidate;
      cells.gates[first] = input;
      cells.gates[first + units] = forget;
      cells.gates[first + 2 * units] = candidate;
      cells.gates[first + 3 * units] = output;
      cells.cell[i] = cell;
      cells.state[i] = output * std::tanh(cell);
    });
  }
};

struct LstmBackward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, LstmCellsBackward cells, std::uint32_t sequences,
                                std::uint32_t units) {
    for_each_element(context, sequences * units, [&](std::uint32_t i) {
      const std::size_t first = std::size_t{i / units} * 4 * units + i % units;
      const float input = cells.gates[first];
      const float forget = cells.gates[first + units];
      const float candidate = cells.gates[first + 2 * units];
      const float output = cells.gates[first + 3 * units];
      const float before = cells.cell_before == nullptr ? 0.0f : cells.cell_before[i];
      const float squashed = std::tanh(cells.cell[i]);
      float gradient = cells.output_gradient[i / units * cells.output_gradient_stride + i % units];
      if (cells.state_gradient != nullptr) gradient += cells.state_gradient[i];
      const float of_cell = cells.cell_gradient[i] + gradient * output * (1.0f - squashed * squashed);
      cells.gates[first] = of_cell * candidate * input * (1.0f - input);
      cells.gates[first + units] = of_cell * before * forget * (1.0f - forget);
      cells.gates[first + 2 * units] = of_cell * input * (1.0f - candidate * candidate);
      cells.gates[first + 3 * units] = gradient * squashed * output * (1.0f - output);
      cells.cell_gradient[i] = of_cell * forget;
    });
  }
};

}  // namespace sterna::tensor::cuda
