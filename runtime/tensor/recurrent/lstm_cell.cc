#include "runtime/tensor/recurrent/lstm_cell.h"

#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/core/processor.h"
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/recurrent/kernels.h"

namespace sterna::tensor {
namespace recurrent {
namespace {

float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

}  // namespace

void cell_forward_plain(const CellForward& at) {
  const std::size_t units = at.units;
  float* gates = at.gates;
  if (at.from_state != nullptr) {
    for (std::size_t i = 0; i < 4 * units; ++i) gates[i] += at.from_state[i];
  }
  for (std::size_t i = 0; i < units; ++i) {
    const float input = gates[i] = sigmoid(gates[i]);
    const float forget = gates[units + i] = sigmoid(gates[units + i]);
    const float candidate = gates[2 * units + i] = std::tanh(gates[2 * units + i]);
    const float output = gates[3 * units + i] = sigmoid(gates[3 * units + i]);
    const float before = at.cell_before == nullptr ? 0.0f : at.cell_before[i];
    at.cell[i] = forget * before + input * candidate;
    at.state[i] = output * std::tanh(at.cell[i]);
  }
}

void cell_backward_plain(const CellBackward& at) {
  const std::size_t units = at.units;
  float* gates = at.gates;
  for (std::size_t i = 0; i < units; ++i) {
    const float input = gates[i];
    const float forget = gates[units + i];
    const float candidate = gates[2 * units + i];
    const float output = gates[3 * units + i];
    const float before = at.cell_before == nullptr ? 0.0f : at.cell_before[i];
    const float squashed = std::tanh(at.cell[i]);
    float gradient = at.output_gradient[i];
    if (at.state_gradient != nullptr) gradient += at.state_gradient[i];
    const float of_cell = at.cell_gradient[i] + gradient * output * (1.0f - squashed * squashed);
    gates[i] = of_cell * candidate * input * (1.0f - input);
    gates[units + i] = of_cell * before * forget * (1.0f - forget);
    gates[2 * units + i] = of_cell * input * (1.0f - candidate * candidate);
    gates[3 * units + i] = gradient * squashed * output * (1.0f - output);
    at.cell_gradient[i] = of_cell * forget;
  }
}

}  // namespace recurrent

namespace {

// Below this, waking threads costs more than they save.
constexpr std::size_t kCellsWorthThreads = std::size_t{1} << 12;

const float* row_of(const float* rows, std::size_t row, std::size_t stride) {
  return rows == nullptr ? nullptr : rows + row * stride;
}

}  // namespace

void lstm_cells_forward(const LstmStep& step, const LstmCellsForward& cells) {
  static const auto kernel = has_avx2() ? recurrent::cell_forward_avx2 : recurrent::cell_forward_plain;
  const std::size_t units = step.units;
#pragma omp parallel for if (step.sequences * units > kCellsWorthThreads)
  for (std::size_t row = 0; row < step.sequences; ++row) {
    kernel({.units = units,
            .from_state = row_of(cells.from_state, row, 4 * units),
            .cell_before = row_of(cells.cell_before, row, units),
            .gates = cells.gates + row * 4 * units,
            .cell = cells.cell + row * units,
            .state = cells.state + row * units});
  }
}

void lstm_cells_backward(const LstmStep& step, const LstmCellsBackward& cells) {
  static const auto kernel = has_avx2() ? recurrent::cell_backward_avx2 : recurrent::cell_backward_plain;
  const std::size_t units = step.units;
  STERNA_CHECK(cells.output_gradient_stride >= units);
#pragma omp parallel for if (step.sequences * units > kCellsWorthThreads)
  for (std::size_t row = 0; row < step.sequences; ++row) {
    kernel({.units = units,
            .output_gradient = row_of(cells.output_gradient, row, cells.output_gradient_stride),
            .state_gradient = row_of(cells.state_gradient, row, units),
            .cell_before = row_of(cells.cell_before, row, units),
            .cell = row_of(cells.cell, row, units),
            .cell_gradient = cells.cell_gradient + row * units,
            .gates = cells.gates + row * 4 * units});
  }
}

}  // namespace sterna::tensor
