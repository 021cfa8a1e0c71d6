// Symbols, positions and the cells of an LSTM.
#include "tests/tensor/cuda/both.h"

namespace sterna::tensor::cuda {
namespace {

struct SymbolCase {
  std::size_t samples, positions, first, count;
  std::size_t symbols, features;
};

// Whole samples and parts of them, symbols that all rows share, that few have and that none has, and more
// rows and features than a block has threads.
const SymbolCase kSymbolCases[] = {
    {1, 1, 0, 1, 1, 1},      {3, 7, 0, 7, 5, 9},       {3, 7, 2, 4, 5, 33},
    {40, 17, 1, 16, 3, 300}, {2, 150, 0, 149, 900, 8},
};

class CudaSymbols : public testing::TestWithParam<SymbolCase> {
 protected:
  SymbolWindow window(Workshop& on) const {
    std::vector<std::int32_t> symbols(at.samples * at.positions);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      symbols[i] =
          static_cast<std::int32_t>(random_below({.seed = 7}, i, static_cast<std::uint32_t>(at.symbols)));
    }
    return {.symbols = on.upload(symbols), .positions = at.positions, .first = at.first, .count = at.count};
  }
  SymbolCase at = GetParam();
  std::size_t rows = at.samples * at.count;
};

TEST_P(CudaSymbols, LookUpTheirRows) {
  expect_same_bits([&](Workshop& on) {
    const auto found = on.output(rows * at.features);
    on.operations.gather_rows(window(on), at.features, on.upload(normal_values(at.symbols * at.features, 1)),
                              found);
    return Results{on.download(found)};
  });
}

// Sums in the order of rows: the CPU's, bit for bit.
TEST_P(CudaSymbols, AddUpTheirRowsInOrder) {
  expect_same_bits([&](Workshop& on) {
    const auto table = on.output(at.symbols * at.features);
    on.operations.scatter_rows(window(on), at.features, on.upload(normal_values(rows * at.features, 1)),
                               table);
    return Results{on.download(table)};
  });
}

TEST_P(CudaSymbols, MaskPadding) {
  expect_same_bits([&](Workshop& on) {
    const auto mask = on.output(rows);
    on.operations.mask_padding(window(on), mask);
    return Results{on.download(mask)};
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaSymbols, testing::ValuesIn(kSymbolCases));

TEST(CudaPositions, AddATableToEachSample) {
  for (const std::size_t table : {1u, 7u, 500u}) {
    expect_same_bits([&](Workshop& on) {
      const auto output = on.output(3 * table);
      on.operations.scale_and_add_table(11.3f, on.upload(normal_values(3 * table, 1)),
                                        on.upload(normal_values(table, 2)), output);
      return Results{on.download(output)};
    });
  }
}

TEST(CudaPositions, AreAveragedInOrder) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{2, 65, 40}}) {
    expect_same_bits([&](Workshop& on) {
      const TensorForm mean_form = plain({shape[0], shape[2]});
      const auto input = on.tensor(plain(shape), normal_values(elements_of(shape), 1));
      const auto output = on.output(mean_form);
      on.operations.mean_over_positions(shape[1], input, output);
      const auto above = on.tensor(mean_form, normal_values(elements_of(mean_form.shape), 2));
      const auto of_input = on.output(plain(shape));
      on.operations.mean_over_positions_backward(shape[1], above, of_input);
      return Results{on.download(output), on.download(of_input)};
    });
  }
}

class CudaLstm : public testing::TestWithParam<LstmStep> {
 protected:
  LstmStep step = GetParam();
  std::size_t states = step.sequences * step.units;

  // Logistic function and hyperbolic tangent are off by up to 6 units in both implementations, and their
  // results are below 1; a handful of products and sums of numbers below 5 follow.
  static double allowed(std::size_t, std::size_t) { return 2.0 * 64.0 * kUnit * 5.0; }
};

TEST_P(CudaLstm, GoesForward) {
  for (const bool is_first : {true, false}) {
    expect_near(
        [&](Workshop& on) {
          const auto gates = on.upload(normal_values(4 * states, 1, 2.0f));
          const auto cell = on.output(states);
          const auto state = on.output(states);
          const auto from_state = on.upload(normal_values(4 * states, 2));
          const auto before = on.upload(normal_values(states, 3));
          on.operations.lstm_cells_forward(step, {.from_state = is_first ? nullptr : from_state.data(),
                                                  .cell_before = is_first ? nullptr : before.data(),
                                                  .gates = gates.data(),
                                                  .cell = cell.data(),
                                                  .state = state.data()});
          return Results{on.download(gates), on.download(cell), on.download(state)};
        },
        allowed);
  }
}

TEST_P(CudaLstm, GoesBack) {
  for (const bool is_last : {true, false}) {
    expect_near(
        [&](Workshop& on) {
          const std::size_t stride = 2 * step.units + 1;
          Values activations = normal_values(4 * states, 1);
          for (float& value : activations) value = 1.0f / (1.0f + std::exp(-value));
          const auto gates = on.upload(activations);
          const auto of_cell = on.upload(normal_values(states, 2));
          const auto before = on.upload(normal_values(states, 3));
          const auto of_state = on.upload(normal_values(states, 4));
          on.operations.lstm_cells_backward(
              step, {.output_gradient = on.upload(normal_values(step.sequences * stride, 5)).data(),
                     .output_gradient_stride = stride,
                     .state_gradient = is_last ? nullptr : of_state.data(),
                     .cell_before = is_last ? before.data() : nullptr,
                     .cell = on.upload(normal_values(states, 6)).data(),
                     .cell_gradient = of_cell.data(),
                     .gates = gates.data()});
          return Results{on.download(gates), on.download(of_cell)};
        },
        allowed);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaLstm,
                         testing::Values(LstmStep{1, 1}, LstmStep{3, 7}, LstmStep{5, 64}, LstmStep{9, 33}));

}  // namespace
}  // namespace sterna::tensor::cuda
