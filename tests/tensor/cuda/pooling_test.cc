// Pooling: largest values are chosen alike, and sums run over windows in the CPU's order, so all bits agree.
#include "tests/tensor/cuda/both.h"

namespace sterna::tensor::cuda {
namespace {

// The output, and the gradient of the input under one that is drawn.
Results both_ways(Workshop& on, Pooling& pooling, const Shape& shape, const Values& values) {
  const auto input = on.tensor(plain(shape), values);
  const auto output = on.output(pooling.output_form());
  pooling.forward(input, output);
  const auto above =
      on.tensor(pooling.output_form(), normal_values(pooling.output_form().storage_elements(), 4));
  const auto of_input = on.output(plain(shape));
  pooling.backward(above, of_input);
  return Results{on.download(output), on.download(of_input)};
}

struct MaxCase {
  Shape input;
  PoolingShape shape;
};

// Windows side by side, overlapping, padded, with gaps between them, and with rows that fill no window.
const MaxCase kMaxCases[] = {
    {{1, 1, 2, 2}, {.window = 2, .stride = 2}},
    {{2, 3, 7, 9}, {.window = 2, .stride = 2}},
    {{2, 3, 8, 11}, {.window = 3, .stride = 2}},
    {{2, 2, 9, 8}, {.window = 3, .stride = 2, .padding = 1}},
    {{1, 2, 7, 7}, {.window = 2, .stride = 3, .padding = 1}},
    {{1, 40, 5, 6}, {.window = 3, .stride = 1}},
};

class CudaMaxPooling : public testing::TestWithParam<MaxCase> {};

// Few values, so that there are ties.
Values tied_values(std::size_t elements, std::uint64_t stream) {
  Values values(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    values[i] = static_cast<float>(random_below({.seed = stream}, i, 3)) - 1.0f;
  }
  return values;
}

TEST_P(CudaMaxPooling, ChoosesAsTheCpuDoes) {
  const auto& [shape, pooling_shape] = GetParam();
  const std::size_t elements = elements_of(shape);
  for (const Values& values :
       {normal_values(elements, 1), tied_values(elements, 2), unusual_values(elements, 3)}) {
    expect_same_bits([&](Workshop& on) {
      return both_ways(on, *on.operations.make_max_pooling(plain(shape), pooling_shape), shape, values);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaMaxPooling, testing::ValuesIn(kMaxCases));

struct AverageCase {
  Shape input;
  AveragePoolingShape shape;
};

const AverageCase kAverageCases[] = {
    {{2, 3, 7, 9}, {}},
    {{2, 3, 7, 9}, {.window = 2}},
    {{1, 5, 6, 6}, {.window = 3}},
    {{2, 2, 7, 5}, {.outputs = 3}},  // windows that overlap
    {{1, 2, 3, 4}, {.outputs = 6}},  // and that repeat
    {{1, 3, 12, 12}, {.outputs = 4}},
};

class CudaAveragePooling : public testing::TestWithParam<AverageCase> {};

TEST_P(CudaAveragePooling, AveragesAsTheCpuDoes) {
  const auto& [shape, pooling_shape] = GetParam();
  expect_same_bits([&](Workshop& on) {
    return both_ways(on, *on.operations.make_average_pooling(plain(shape), pooling_shape), shape,
                     normal_values(elements_of(shape), 1));
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaAveragePooling, testing::ValuesIn(kAverageCases));

}  // namespace
}  // namespace sterna::tensor::cuda
