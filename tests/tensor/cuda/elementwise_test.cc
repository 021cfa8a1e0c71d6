// What treats every element alike, moves elements, or adds up rows.
#include <algorithm>

#include "tests/tensor/cuda/both.h"

namespace sterna::tensor::cuda {
namespace {

class CudaElementwise : public testing::TestWithParam<std::size_t> {
 protected:
  std::size_t n = GetParam();
};

TEST_P(CudaElementwise, ReluKeepsNanAndWorksInPlace) {
  expect_same_bits([&](Workshop& on) {
    const auto input = on.upload(unusual_values(n, 1));
    const auto output = on.output(n);
    on.operations.relu(input, output);
    const Values apart = on.download(output);
    on.operations.relu(input, input);
    return Results{apart, on.download(input)};
  });
}

TEST_P(CudaElementwise, MasksTheGradientOfRelu) {
  expect_same_bits([&](Workshop& on) {
    const auto gradient = on.upload(unusual_values(n, 2));
    on.operations.mask_relu_gradient(on.upload(unusual_values(n, 1)), gradient);
    return Results{on.download(gradient)};
  });
}

TEST_P(CudaElementwise, AddsAndMultiplies) {
  expect_same_bits([&](Workshop& on) {
    const auto a = on.upload(unusual_values(n, 1));
    const auto b = on.upload(unusual_values(n, 2));
    const auto sum = on.output(n);
    on.operations.add(a, b, sum);
    const Values apart = on.download(sum);
    on.operations.add(a, b, b);
    on.operations.multiply(a, sum);
    on.operations.scale(-0.7f, a);
    return Results{apart, on.download(b), on.download(sum), on.download(a)};
  });
}

TEST_P(CudaElementwise, CopiesAndClears) {
  expect_same_bits([&](Workshop& on) {
    const auto from = on.upload(unusual_values(n, 1));
    const auto to = on.output(n);
    on.operations.copy(from, to);
    on.operations.zero(from);
    return Results{on.download(to), on.download(from)};
  });
}

TEST_P(CudaElementwise, DrawsTheSameMaskAndAppliesIt) {
  expect_same_bits([&](Workshop& on) {
    const auto mask = on.operations.make_keep_mask(n);
    const auto input = on.upload(unusual_values(n, 1));
    const auto output = on.output(n);
    Results results;
    for (std::uint32_t step = 0; step < 2; ++step) {
      mask->draw(
          {.key =
               {.seed = 1234567890123u, .use = RandomUse::kDropout, .learner = 3, .step = step, .layer = 5},
           .drop_below = 0x40000000u,
           .scale = 4.0f / 3.0f});
      mask->apply(input, output);
      results.push_back(on.download(output));
    }
    mask->apply(input, input);
    results.push_back(on.download(input));
    return results;
  });
}

// As the header has it: with the square root alone, and nothing summed, bits may differ by a fused
// multiply-add, which none of the two has.
TEST_P(CudaElementwise, MovesParametersBySgd) {
  for (const float momentum : {0.0f, 0.9f}) {
    expect_same_bits([&](Workshop& on) {
      const auto parameters = on.upload(normal_values(n, 1));
      const auto velocity = on.upload(Values(momentum == 0.0f ? 0 : n, 0.0f));
      for (std::uint64_t step = 0; step < 3; ++step) {
        on.operations.sgd({.learning_rate = 0.1f, .momentum = momentum, .weight_decay = 1e-2f},
                          on.upload(normal_values(n, 2 + step)), velocity, parameters);
      }
      return Results{on.download(parameters), on.download(velocity)};
    });
  }
}

TEST_P(CudaElementwise, MovesParametersByAdam) {
  expect_same_bits([&](Workshop& on) {
    const auto parameters = on.upload(normal_values(n, 1));
    const auto first = on.upload(Values(n, 0.0f));
    const auto second = on.upload(Values(n, 0.0f));
    for (std::uint64_t step = 0; step < 3; ++step) {
      on.operations.adam({.beta1 = 0.9f,
                          .one_minus_beta1 = 0.1f,
                          .beta2 = 0.999f,
                          .one_minus_beta2 = 0.001f,
                          .rate = 0.01f,
                          .correction = 0.03f,
                          .epsilon = 1e-8f,
                          .l2 = 1e-3f,
                          .kept = 0.999f},
                         on.upload(normal_values(n, 2 + step)), first, second, parameters);
    }
    return Results{on.download(parameters), on.download(first), on.download(second)};
  });
}

INSTANTIATE_TEST_SUITE_P(Lengths, CudaElementwise, testing::ValuesIn(kLengths));

TEST(CudaRows, AreCopiedWithStridesAndRepeated) {
  expect_same_bits([](Workshop& on) {
    const auto from = on.upload(normal_values(5 * 11, 1));
    const auto to = on.upload(Values(5 * 9, 7.0f));
    on.operations.copy_rows({.rows = 5, .columns = 7}, {from.data() + 2, 11}, {to.data() + 1, 9});
    const auto repeated = on.output(3 * 7);
    on.operations.copy_rows({.rows = 3, .columns = 7}, {from.data(), 0}, {repeated.data(), 7});
    return Results{on.download(to), on.download(repeated)};
  });
}

TEST(CudaRows, SwapTwoAxes) {
  for (const SwappedAxes& axes : {SwappedAxes{.batches = 1, .outer = 1, .inner = 5, .features = 1},
                                  SwappedAxes{.batches = 3, .outer = 4, .inner = 5, .features = 7},
                                  SwappedAxes{.batches = 2, .outer = 33, .inner = 2, .features = 1}}) {
    expect_same_bits([&](Workshop& on) {
      const std::size_t elements = axes.batches * axes.outer * axes.inner * axes.features;
      const auto to = on.output(elements);
      on.operations.swap_axes(axes, on.upload(normal_values(elements, 1)).data(), to.data());
      return Results{on.download(to)};
    });
  }
}

struct RowShape {
  std::size_t rows, columns;
};

// One part or many, fewer and more columns than a warp has lanes, and no rows at all.
class CudaRowSums : public testing::TestWithParam<RowShape> {};

TEST_P(CudaRowSums, AreThoseOfTheCpu) {
  const auto [rows, columns] = GetParam();
  expect_near_sums(rows, [&](Workshop& on, const auto& change) {
    const auto sums = on.output(columns);
    on.operations.sum_rows(on.upload(change(normal_values(rows * columns, 1))), sums);
    return Results{on.download(sums)};
  });
}

TEST_P(CudaRowSums, GiveTheSameBitsEachTime) {
  const auto [rows, columns] = GetParam();
  const auto sum = [&](Workshop& on) {
    const auto sums = on.output(columns);
    on.operations.sum_rows(on.upload(normal_values(rows * columns, 1)), sums);
    return Results{on.download(sums)};
  };
  EXPECT_EQ(bits_of(results_of(device_operations(), sum)[0]),
            bits_of(results_of(device_operations(), sum)[0]));
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaRowSums,
                         testing::Values(RowShape{0, 5}, RowShape{1, 1}, RowShape{7, 33}, RowShape{129, 65},
                                         RowShape{5000, 3}, RowShape{300, 1000}, RowShape{2, 200000}));

TEST(CudaMemory, IsZeroAtFirstAndCrossesToTheHostInPieces) {
  Operations& operations = device_operations();
  const std::size_t elements = (std::size_t{9} << 20) / sizeof(float) + 3;  // three pieces of what is pinned
  const Memory memory = operations.reserve(elements * sizeof(float));
  const std::span<float> there(reinterpret_cast<float*>(memory.get()), elements);
  Values host(elements, 1.0f);
  operations.copy_to_host(std::span<const float>(there), std::span(host));
  EXPECT_EQ(std::ranges::count(host, 0.0f), static_cast<std::ptrdiff_t>(elements));
  const Values sent = normal_values(elements, 1);
  operations.copy_from_host(std::span<const float>(sent), there);
  operations.copy_to_host(std::span<const float>(there), std::span(host));
  EXPECT_EQ(host, sent);
  EXPECT_FALSE(operations.is_in_host_memory());
  EXPECT_NE(operations.reserve(0), nullptr);
}

}  // namespace
}  // namespace sterna::tensor::cuda
