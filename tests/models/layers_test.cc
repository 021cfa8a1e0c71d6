#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/layers/average_pool.h"
#include "models/layers/convolution.h"
#include "models/layers/flatten.h"
#include "models/layers/fully_connected.h"
#include "models/layers/max_pool.h"
#include "models/layers/relu.h"
#include "tests/models/layer_probe.h"

namespace sterna::models {
namespace {

using testing::ElementsAre;

struct ConvolutionCase {
  tensor::Shape input;
  ConvolutionOptions options;
};

// Odd batches, channels that fill no block of eight (1, 3, 9), stride, padding, rows unlike columns.
const ConvolutionCase kConvolutions[] = {
    {{1, 1, 5, 5}, {.outputs = 1, .kernel = 3}},
    {{3, 1, 6, 7}, {.outputs = 9, .kernel = 5, .padding = 2}},
    {{3, 1, 7, 6}, {.outputs = 8, .kernel = 3, .stride = 2, .padding = 1, .has_relu = true}},
    {{2, 3, 5, 6}, {.outputs = 9, .kernel = 3, .stride = 2, .padding = 1}},
    {{1, 3, 4, 4}, {.outputs = 3, .kernel = 3, .padding = 1, .has_bias = false}},
    {{3, 9, 4, 5}, {.outputs = 8, .kernel = 3, .has_relu = true}},
    {{1, 8, 4, 4}, {.outputs = 16, .kernel = 1, .stride = 2, .has_relu = true}},
    {{1, 16, 3, 3}, {.outputs = 3, .kernel = 3, .padding = 1}},
    {{2, 4, 4, 5}, {.outputs = 6, .kernel = 3, .padding = 1, .groups = 2}},
    {{1, 16, 4, 4}, {.outputs = 32, .kernel = 3, .stride = 2, .padding = 1, .groups = 2, .has_relu = true}},
    // Depthwise, with two filters a channel, with channels that fill no block.
    {{2, 8, 5, 4}, {.outputs = 8, .kernel = 3, .padding = 1, .groups = 8, .has_bias = false}},
    {{1, 4, 5, 5}, {.outputs = 8, .kernel = 3, .stride = 2, .padding = 1, .groups = 4}},
    {{2, 9, 5, 5}, {.outputs = 9, .kernel = 3, .stride = 2, .padding = 1, .groups = 9}},
};

TEST(Convolution, HasTheGradientsOfCentralDifferences) {
  for (const ConvolutionCase& c : kConvolutions) {
    SCOPED_TRACE(testing::Message() << c.input[0] << " x " << c.input[1] << " -> " << c.options.outputs);
    LayerProbe probe(c.input, [&](Sequential& layers) {
      layers.add<Convolution>("conv", c.options);
      layers.add<Flatten>();
    });
    probe.expect_exact_gradients();
  }
}

// The sum over channels and window, as the formula has it.
float convolved(const LayerProbe& probe, const ConvolutionCase& c, std::size_t b, std::size_t o,
                std::size_t y, std::size_t x) {
  const std::size_t channels = c.input[1], height = c.input[2], width = c.input[3], kernel = c.options.kernel;
  const std::size_t group_inputs = channels / c.options.groups;
  const std::size_t first = o / (c.options.outputs / c.options.groups) * group_inputs;
  const std::span<const float> values = probe.values;
  float sum = c.options.has_bias ? probe.parameters().slice(values, 1)[o] : 0.0f;
  for (std::size_t i = 0; i < group_inputs; ++i) {
    for (std::size_t ky = 0; ky < kernel; ++ky) {
      for (std::size_t kx = 0; kx < kernel; ++kx) {
        const std::size_t row =
            y * c.options.stride + ky - c.options.padding;  // wraps around where it is padding
        const std::size_t column = x * c.options.stride + kx - c.options.padding;
        if (row >= height || column >= width) continue;
        sum += probe.inputs[((b * channels + first + i) * height + row) * width + column] *
               probe.parameters().slice(values, 0)[((o * group_inputs + i) * kernel + ky) * kernel + kx];
      }
    }
  }
  return c.options.has_relu ? std::max(sum, 0.0f) : sum;
}

TEST(Convolution, IsTheSumOverChannelsAndWindow) {
  for (const ConvolutionCase& c : kConvolutions) {
    LayerProbe probe(c.input, [&](Sequential& layers) {
      layers.add<Convolution>("conv", c.options);
      layers.add<Flatten>();
    });
    const std::vector<float> output = probe.forward();
    const auto extent = [&](std::size_t in) {
      return (in + 2 * c.options.padding - c.options.kernel) / c.options.stride + 1;
    };
    const std::size_t height = extent(c.input[2]), width = extent(c.input[3]);
    ASSERT_EQ(output.size(), c.input[0] * c.options.outputs * height * width);
    std::size_t at = 0;
    for (std::size_t b = 0; b < c.input[0]; ++b) {
      for (std::size_t o = 0; o < c.options.outputs; ++o) {
        for (std::size_t y = 0; y < height; ++y) {
          for (std::size_t x = 0; x < width; ++x) ASSERT_EQ(output[at++], convolved(probe, c, b, o, y, x));
        }
      }
    }
  }
}

TEST(Convolution, KeepsTheBlocksOfChannelsWhenDepthwise) {
  tensor::ParameterTable parameters, statistics;
  tensor::Arena arena;
  Sequential layers({.parameters = parameters,
                     .statistics = statistics,
                     .arena = arena,
                     .input = {.shape = {2, 3, 8, 8}, .blocks = nullptr}});
  layers.add<Convolution>("expand", ConvolutionOptions{.outputs = 24, .kernel = 1});
  const std::size_t lanes = layers.output_form().lanes();
  layers.add<Convolution>("depthwise",
                          ConvolutionOptions{.outputs = 24, .kernel = 3, .padding = 1, .groups = 24});
  EXPECT_EQ(layers.output_form().lanes(), lanes);
  EXPECT_THAT(parameters[2].shape, ElementsAre(24, 1, 3, 3));
  EXPECT_EQ(parameters[2].multiplications_per_element, 64.0);
  EXPECT_DOUBLE_EQ(parameters[2].initial_bound, 1.0 / 3.0);  // 9 inputs
}

TEST(Convolution, SharesItsWorkingMemoryWithTheNextOne) {
  tensor::ParameterTable parameters, statistics;
  tensor::Arena arena;
  Sequential layers({.parameters = parameters,
                     .statistics = statistics,
                     .arena = arena,
                     .input = {.shape = {2, 16, 8, 8}, .blocks = nullptr}});
  const ConvolutionOptions same{.outputs = 16, .kernel = 3, .padding = 1};
  layers.add<Convolution>("first", same);  // has a plain input to bring into blocks, too
  const std::size_t before = arena.bytes();
  layers.add<Convolution>("second", same);
  EXPECT_EQ(arena.bytes() - before, 2u * 16 * 8 * 8 * sizeof(float));  // its output, and no more
}

TEST(Convolution, DeclaresItsParametersAsPyTorchDoes) {
  LayerProbe probe({1, 3, 8, 6}, [](Sequential& layers) {
    layers.add<Convolution>("conv1", ConvolutionOptions{.outputs = 4, .kernel = 5, .padding = 1});
    layers.add<Flatten>();
  });
  const tensor::Parameter& weight = probe.parameters()[0];
  EXPECT_EQ(weight.name, "conv1.weight");
  EXPECT_THAT(weight.shape, ElementsAre(4, 3, 5, 5));
  EXPECT_EQ(weight.kind, tensor::ParameterKind::kConvolution);
  EXPECT_EQ(weight.multiplications_per_element, 24.0);          // (8 + 2 - 5 + 1) * (6 + 2 - 5 + 1)
  EXPECT_DOUBLE_EQ(weight.initial_bound, 0.11547005383792516);  // 1 / sqrt(3 * 5 * 5)
  EXPECT_EQ(probe.parameters()[1].name, "conv1.bias");
  EXPECT_DOUBLE_EQ(probe.parameters()[1].initial_bound, 0.11547005383792516);
}

TEST(FullyConnected, HasTheGradientsOfCentralDifferences) {
  for (const tensor::Shape& input : {tensor::Shape{1, 1}, tensor::Shape{3, 9}, tensor::Shape{2, 7}}) {
    for (bool has_relu : {false, true}) {
      for (bool has_bias : {false, true}) {
        if (has_relu && !has_bias) continue;  // whole numbers would lie on the kink
        LayerProbe probe(input, [&](Sequential& layers) {
          layers.add<FullyConnected>(
              "fc", FullyConnectedOptions{.outputs = 5, .has_bias = has_bias, .has_relu = has_relu});
        });
        probe.expect_exact_gradients();
      }
    }
  }
}

TEST(FullyConnected, MultipliesByRowsOfItsWeights) {
  LayerProbe probe({1, 2}, [](Sequential& layers) {
    layers.add<FullyConnected>("fc", FullyConnectedOptions{.outputs = 2, .has_relu = true});
  });
  probe.inputs = {2.0f, -1.0f};
  std::ranges::copy(std::vector{1.0f, 3.0f, 4.0f, 5.0f}, probe.values.begin());  // weights
  std::ranges::copy(std::vector{0.5f, -1.0f}, probe.values.begin() + 16);        // bias, next border
  EXPECT_THAT(probe.forward(), ElementsAre(0.0f, 2.0f));                         // 2 - 3 + 0.5 < 0; 8 - 5 - 1
}

TEST(MaxPool, HasTheGradientsOfCentralDifferences) {
  const struct {
    tensor::Shape input;
    MaxPoolOptions options;
  } cases[] = {{{1, 1, 4, 4}, {.window = 2}},
               {{3, 3, 5, 7}, {.window = 2}},               // a row and a column fill no window
               {{1, 9, 6, 6}, {.window = 3, .stride = 2}},  // windows overlap
               {{2, 3, 6, 7}, {.window = 3, .stride = 2, .padding = 1}},
               {{1, 9, 5, 5}, {.window = 2, .stride = 1, .padding = 1}}};  // corners hold one value
  for (const auto& c : cases) {
    LayerProbe probe(
        c.input,
        [&](Sequential& layers) {
          layers.add<MaxPool>(c.options);
          layers.add<Flatten>();
        },
        /*inputs_are_distinct=*/true);
    probe.expect_exact_gradients();
  }
}

TEST(MaxPool, GivesTheGradientToTheFirstOnATie) {
  LayerProbe probe({1, 1, 2, 4}, [](Sequential& layers) {
    layers.add<MaxPool>(MaxPoolOptions{.window = 2});
    layers.add<Flatten>();
  });
  probe.inputs = {1.0f, 5.0f, 0.0f, 0.0f,  //
                  5.0f, 2.0f, 0.0f, 0.0f};
  probe.output_weights = {3.0f, 7.0f};
  EXPECT_THAT(probe.forward(), ElementsAre(5.0f, 0.0f));
  EXPECT_THAT(probe.backward(), ElementsAre(0.0f, 3.0f, 7.0f, 0.0f,  //
                                            0.0f, 0.0f, 0.0f, 0.0f));
}

TEST(MaxPool, NeverTakesPadding) {
  // Windows of 3 x 3 from row and column -1 and 1: of the image {0, 1} and {1, 2}. All values are negative.
  LayerProbe probe({1, 1, 3, 3}, [](Sequential& layers) {
    layers.add<MaxPool>(MaxPoolOptions{.window = 3, .stride = 2, .padding = 1});
    layers.add<Flatten>();
  });
  probe.inputs = {-1.0f, -2.0f, -3.0f,  //
                  -4.0f, -5.0f, -6.0f,  //
                  -7.0f, -8.0f, -9.0f};
  probe.output_weights = {1.0f, 2.0f, 4.0f, 8.0f};
  EXPECT_THAT(probe.forward(), ElementsAre(-1.0f, -2.0f, -4.0f, -5.0f));
  EXPECT_THAT(probe.backward(), ElementsAre(1.0f, 2.0f, 0.0f, 4.0f, 8.0f, 0.0f, 0.0f, 0.0f, 0.0f));
}

TEST(MaxPool, WorksInTheLayoutOfTheConvolutionBeforeIt) {
  // One output channel is twice the input, the eight others are its negative: the largest of each window is 2
  // * 4, and the negative of the smallest.
  LayerProbe probe({1, 1, 2, 2}, [](Sequential& layers) {
    layers.add<Convolution>("conv", ConvolutionOptions{.outputs = 9, .kernel = 1, .has_bias = false});
    layers.add<MaxPool>(MaxPoolOptions{.window = 2});
    layers.add<Flatten>();
  });
  probe.inputs = {1.0f, 4.0f, 2.0f, 3.0f};
  std::fill_n(probe.values.begin(), 9, -1.0f);
  probe.values[4] = 2.0f;
  probe.output_weights.assign(9, 1.0f);
  EXPECT_THAT(probe.forward(), ElementsAre(-1.0f, -1.0f, -1.0f, -1.0f, 8.0f, -1.0f, -1.0f, -1.0f, -1.0f));
  // 8 channels of weight -1 choose the first input, one of weight 2 the second.
  EXPECT_THAT(probe.backward(), ElementsAre(-8.0f, 2.0f, 0.0f, 0.0f));
}

TEST(AveragePool, HasTheGradientsOfCentralDifferences) {
  // Windows of 4 places: means are multiples of 1/4 of whole numbers, and exact. 9 channels fill no block.
  for (std::size_t window : {0u, 2u}) {
    for (std::size_t channels : {3u, 9u}) {
      const std::size_t extent = window == 0 ? 2 : 5;  // a row and a column fill no window
      LayerProbe probe({2, channels, extent, extent}, [&](Sequential& layers) {
        layers.add<Convolution>("conv", ConvolutionOptions{.outputs = 9, .kernel = 1, .has_bias = false});
        layers.add<AveragePool>(AveragePoolOptions{.window = window});
        if (window != 0) layers.add<Flatten>();
      });
      probe.expect_exact_gradients();
    }
  }
}

TEST(AveragePool, AdaptsItsWindowsToTheOutput) {
  // 3 rows to 2: rows 0 to 1, rows 1 to 2; 4 columns to 2: two each. Windows have 4 places, and overlap.
  LayerProbe probe({2, 9, 3, 4}, [&](Sequential& layers) {
    layers.add<Convolution>("conv", ConvolutionOptions{.outputs = 9, .kernel = 1, .has_bias = false});
    layers.add<AveragePool>(AveragePoolOptions{.outputs = 2});
    layers.add<Flatten>();
  });
  probe.expect_exact_gradients();
  // 1 row to 2: the same one twice.
  LayerProbe small({1, 1, 1, 2}, [](Sequential& layers) {
    layers.add<AveragePool>(AveragePoolOptions{.outputs = 2});
    layers.add<Flatten>();
  });
  small.inputs = {3.0f, 5.0f};
  small.output_weights = {1.0f, 2.0f, 4.0f, 8.0f};
  EXPECT_THAT(small.forward(), ElementsAre(3.0f, 5.0f, 3.0f, 5.0f));
  EXPECT_THAT(small.backward(), ElementsAre(5.0f, 10.0f));
}

TEST(AveragePool, IsTheMeanOfEachWindow) {
  LayerProbe probe({1, 1, 2, 4}, [](Sequential& layers) {
    layers.add<AveragePool>(AveragePoolOptions{.window = 2});
    layers.add<Flatten>();
  });
  probe.inputs = {1.0f, 5.0f, 0.0f, 8.0f,  //
                  4.0f, 2.0f, 4.0f, 0.0f};
  EXPECT_THAT(probe.forward(), ElementsAre(3.0f, 3.0f));
}

TEST(Relu, ClearsWhatIsNegativeAndItsGradient) {
  LayerProbe probe({1, 4}, [](Sequential& layers) { layers.add<Relu>(); });
  probe.inputs = {-1.0f, 2.0f, 0.0f, 3.0f};
  probe.output_weights = {5.0f, 6.0f, 7.0f, 8.0f};
  EXPECT_THAT(probe.forward(), ElementsAre(0.0f, 2.0f, 0.0f, 3.0f));
  EXPECT_THAT(probe.backward(), ElementsAre(0.0f, 6.0f, 0.0f, 8.0f));
}

TEST(Relu, CommutesWithMaxPool) {
  const auto run = [](bool relu_first) {
    LayerProbe probe({3, 9, 6, 6}, [&](Sequential& layers) {
      if (relu_first) layers.add<Relu>();
      layers.add<MaxPool>(MaxPoolOptions{.window = 2});
      if (!relu_first) layers.add<Relu>();
      layers.add<Flatten>();
    });
    return std::pair(probe.forward(), probe.backward());
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Flatten, KeepsTheOrderOfChannelsRowsAndColumns) {
  LayerProbe probe({2, 9, 1, 2}, [](Sequential& layers) {
    layers.add<Convolution>("conv", ConvolutionOptions{.outputs = 9, .kernel = 1, .has_bias = false});
    layers.add<Flatten>();
  });
  std::ranges::fill(probe.values, 0.0f);
  for (std::size_t o = 0; o < 9; ++o) probe.values[o * 9 + o] = 1.0f;  // the convolution hands its input on
  EXPECT_EQ(probe.forward(), probe.inputs);
  EXPECT_THAT(probe.output_shape(), ElementsAre(2, 18));
}

TEST(Sequential, TellsOfEachParameterOnceAndTheLastLayersFirst) {
  LayerProbe probe({3, 1, 4, 4}, [](Sequential& layers) {
    layers.add<Convolution>("conv", ConvolutionOptions{.outputs = 2, .kernel = 3, .has_bias = false});  // 0
    layers.add<Flatten>();
    layers.add<FullyConnected>("fc1", FullyConnectedOptions{.outputs = 3, .has_relu = true});  // 1, 2
    layers.add<FullyConnected>("fc2", FullyConnectedOptions{.outputs = 2});                    // 3, 4
  });
  (void)probe.backward();
  EXPECT_THAT(probe.ready, ElementsAre(4, 3, 2, 1, 0));
}

TEST(Sequential, IsItselfALayer) {
  LayerProbe probe({3, 5}, [](Sequential& layers) {
    layers.add<FullyConnected>("first", FullyConnectedOptions{.outputs = 4});
    layers.add<Sequential>();  // empty: hands its input on
    layers.add<FullyConnected>("last", FullyConnectedOptions{.outputs = 2});
  });
  probe.expect_exact_gradients();
}

}  // namespace
}  // namespace sterna::models
