// Batch normalisation of images, with its clamp, its addend and its running statistics.
#include <numeric>

#include "tests/tensor/cuda/both.h"

namespace sterna::tensor::cuda {
namespace {

struct NormalisationCase {
  Shape shape;
  kernels::Clamp clamp;
  bool has_addend;
};

// One position a plane and more than a warp has lanes, no clamp, that of relu and that of relu6.
const NormalisationCase kCases[] = {
    {{2, 1, 1, 1}, {}, false},
    {{3, 5, 1, 1}, {}, true},
    {{1, 3, 5, 7}, {.lower = 0.0f}, false},
    {{4, 17, 6, 6}, {.lower = 0.0f}, true},
    {{2, 8, 9, 11}, {.lower = 0.0f, .upper = 1.0f}, false},
    {{2, 8, 9, 11}, {.lower = 0.0f, .upper = 1.0f}, true},
};

class CudaChannelNormalisation : public testing::TestWithParam<NormalisationCase> {
 protected:
  Shape shape = GetParam().shape;
  std::size_t channels = shape[1];
  std::size_t elements = elements_of(shape);
  std::size_t values_per_channel = elements / channels;

  ScaleAndShift learned(Workshop& on) const {
    return {.scale = on.upload(normal_values(channels, 2)), .shift = on.upload(normal_values(channels, 3))};
  }
  Tensor addend(Workshop& on) const {
    if (!GetParam().has_addend) return {};
    return on.tensor(plain(shape), normal_values(elements, 4));
  }
  std::unique_ptr<ChannelNormalisation> make(Workshop& on) const {
    return on.operations.make_channel_normalisation(plain(shape), 1e-2, GetParam().clamp);
  }

  // Inputs are below 8. A plane's mean is off by a rounding for each of its positions, what is normalised by
  // that over the deviation, at least sqrt(1e-2), and the square of the deviation by as much again; 16 covers
  // both implementations. Scales are below 4.
  [[nodiscard]] double of_output() const {
    return 16.0 * static_cast<double>(shape[2] * shape[3] + 4) * kUnit * 8.0 * 10.0 * 4.0;
  }
  // Sums of gradients below 5, times deviations, over the deviation.
  [[nodiscard]] double of_sums() const { return of_output() * static_cast<double>(values_per_channel); }
};

TEST_P(CudaChannelNormalisation, NormalisesABatch) {
  expect_near(
      [&](Workshop& on) {
        const auto normalisation = make(on);
        const auto input = on.tensor(plain(shape), normal_values(elements, 1));
        const auto output = on.output(plain(shape));
        normalisation->forward_batch(input, learned(on), addend(on), output);
        return Results{on.download(output)};
      },
      [&](std::size_t, std::size_t) { return of_output(); });
}

TEST_P(CudaChannelNormalisation, MovesStatistics) {
  expect_near(
      [&](Workshop& on) {
        const auto normalisation = make(on);
        const auto means = on.upload(normal_values(channels, 5));
        const auto variances = on.upload(Values(channels, 1.0f));
        for (std::uint64_t step = 0; step < 2; ++step) {
          const auto input = on.tensor(plain(shape), normal_values(elements, 10 + step));
          normalisation->forward_batch(input, learned(on), {}, on.output(plain(shape)));
          normalisation->move_statistics(0.1, means, variances);
        }
        return Results{on.download(means), on.download(variances)};
      },
      [&](std::size_t, std::size_t) { return of_output(); });
}

// The affine map alone: a square root, and no sums.
TEST_P(CudaChannelNormalisation, NormalisesWithMomentsFromElsewhere) {
  expect_near(
      [&](Workshop& on) {
        const auto output = on.output(plain(shape));
        make(on)->forward_with(on.upload(normal_values(channels, 5)), on.upload(Values(channels, 0.7f)),
                               on.tensor(plain(shape), normal_values(elements, 1)), learned(on), addend(on),
                               output);
        return Results{on.download(output)};
      },
      // Three roundings of numbers below 8 * 4 / sqrt(0.7) + 4 + 4.
      [](std::size_t, std::size_t) { return 2.0 * 3.0 * kUnit * 64.0; });
}

TEST_P(CudaChannelNormalisation, GoesBack) {
  expect_near(
      [&](Workshop& on) {
        const auto normalisation = make(on);
        const auto input = on.tensor(plain(shape), normal_values(elements, 1));
        const auto output = on.output(plain(shape));
        normalisation->forward_batch(input, learned(on), addend(on), output);
        const auto gradient = on.tensor(plain(shape), normal_values(elements, 6));
        const auto of_scale = on.output(channels);
        const auto of_shift = on.output(channels);
        const auto of_input = on.output(plain(shape));
        normalisation->reduce_gradient(input, output, gradient, of_scale, of_shift);
        normalisation->input_gradient(input, gradient, of_input);
        const Values apart = on.download(of_input);
        const Values of_addend = on.download(gradient);
        normalisation->input_gradient(input, gradient, gradient);  // in place
        return Results{of_addend, on.download(of_scale), on.download(of_shift), apart, on.download(gradient)};
      },
      [&](std::size_t result, std::size_t) { return result == 0 ? 0.0 : of_sums(); });
}

// Evaluation between forward and backward leaves backward what it was.
TEST_P(CudaChannelNormalisation, KeepsTheMomentsOfTheLastBatch) {
  const auto run = [&](bool evaluates) {
    return results_of(device_operations(), [&](Workshop& on) {
      const auto normalisation = make(on);
      const auto input = on.tensor(plain(shape), normal_values(elements, 1));
      const auto output = on.output(plain(shape));
      normalisation->forward_batch(input, learned(on), addend(on), output);
      if (evaluates) {
        normalisation->forward_with(on.upload(Values(channels, 0.5f)), on.upload(Values(channels, 2.0f)),
                                    input, learned(on), {}, on.output(plain(shape)));
      }
      const auto gradient = on.tensor(plain(shape), normal_values(elements, 6));
      const auto of_scale = on.output(channels);
      normalisation->reduce_gradient(input, output, gradient, of_scale, on.output(channels));
      return Results{on.download(of_scale)};
    });
  };
  EXPECT_EQ(run(true), run(false));
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaChannelNormalisation, testing::ValuesIn(kCases));

}  // namespace
}  // namespace sterna::tensor::cuda
