// The vector kernels against exact arithmetic and their plain references; products whose weights are held.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/core/aligned_vector.h"
#include "runtime/core/processor.h"
#include "runtime/core/rng.h"
#include "runtime/tensor/fully_connected_products.h"
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/recurrent/kernels.h"
#include "runtime/tensor/recurrent/repeated_products.h"

namespace sterna::tensor {
namespace {

using recurrent::CellBackward;
using recurrent::CellForward;

std::vector<float> random_values(std::size_t n, std::uint64_t stream, float scale = 1.0f) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = scale * (2.0f * random_uniform({.seed = stream}, i) - 1.0f);
  return values;
}

// Gates and states of one sequence; the first step of one has neither a cell nor a state before it.
struct Cell {
  Cell(std::size_t n, bool is_first_step, std::uint64_t stream)
      : units(n),
        is_first(is_first_step),
        from_state(random_values(4 * n, stream, 3.0f)),
        gates(random_values(4 * n, stream + 1, 3.0f)),
        cell_before(random_values(n, stream + 2, 2.0f)),
        cell(n),
        state(n) {}

  CellForward forward() {
    return {.units = units,
            .from_state = is_first ? nullptr : from_state.data(),
            .cell_before = is_first ? nullptr : cell_before.data(),
            .gates = gates.data(),
            .cell = cell.data(),
            .state = state.data()};
  }

  std::size_t units;
  bool is_first;
  std::vector<float> from_state, gates, cell_before, cell, state;
};

struct CellKernels {
  const char* name;
  void (*forward)(const CellForward&);
  void (*backward)(const CellBackward&);
};

// Those that this processor can run.
std::vector<CellKernels> supported_cell_kernels() {
  std::vector<CellKernels> supported = {
      {"plain", recurrent::cell_forward_plain, recurrent::cell_backward_plain}};
  if (has_avx2()) {
    supported.push_back({"avx2", recurrent::cell_forward_avx2, recurrent::cell_backward_avx2});
  }
  return supported;
}

// What a kernel makes of x as the input gate and as the candidate of a cell.
struct Activations {
  double sigmoid, tanh;
};

std::vector<Activations> activations_of(const CellKernels& with, const std::vector<float>& arguments) {
  const std::size_t n = arguments.size();
  Cell cell(n, /*is_first_step=*/true, /*stream=*/1);
  for (std::size_t gate = 0; gate < 4; ++gate) std::ranges::copy(arguments, cell.gates.data() + gate * n);
  with.forward(cell.forward());
  std::vector<Activations> result;
  for (std::size_t i = 0; i < n; ++i) {
    result.push_back({static_cast<double>(cell.gates[i]), static_cast<double>(cell.gates[2 * n + i])});
  }
  return result;
}

class LstmCells : public testing::TestWithParam<CellKernels> {};

TEST_P(LstmCells, KeepTheBoundsOfTheirFunctions) {
  std::vector<float> arguments;
  for (float magnitude = 0x1p-100f; magnitude < 200.0f; magnitude *= 1.0007f) {
    arguments.push_back(magnitude);
    arguments.push_back(-magnitude);
  }
  const std::vector<Activations> got = activations_of(GetParam(), arguments);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto x = static_cast<double>(arguments[i]);
    const double tanh = std::tanh(x);
    ASSERT_NEAR(got[i].tanh, tanh, recurrent::kTanhError * std::fabs(tanh)) << x;
    const double sigmoid = 1.0 / (1.0 + std::exp(-x));
    ASSERT_NEAR(got[i].sigmoid, sigmoid, x < -87.0 ? 0x1p-125 : recurrent::kSigmoidError * sigmoid) << x;
  }
}

TEST_P(LstmCells, KeepZerosInfinitiesAndNans) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto got =
      activations_of(GetParam(), {0.0f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_EQ(got[0].sigmoid, 0.5);
  EXPECT_EQ(got[0].tanh, 0.0);
  EXPECT_EQ(got[1].sigmoid, 1.0);
  EXPECT_EQ(got[1].tanh, 1.0);
  EXPECT_LT(got[2].sigmoid, 0x1p-125);
  EXPECT_EQ(got[2].tanh, -1.0);
  EXPECT_TRUE(std::isnan(got[3].sigmoid));
  EXPECT_TRUE(std::isnan(got[3].tanh));
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(got[i]), static_cast<double>(expected[i]), tolerance) << i;
  }
}

// Activations lie below 1 and both sides are within 6 * 2^-24 of exact ones; a cell below 4 and a state below
// 1 take two or three of them and as many roundings: 4 * 12 + 4 * 3 of them at most.
constexpr double kForwardTolerance = 60.0 / (1 << 24);

TEST_P(LstmCells, AgreeWithThePlainCellForward) {
  for (const std::size_t units : {1u, 7u, 8u, 9u, 16u, 31u}) {
    for (const bool is_first : {false, true}) {
      Cell plain(units, is_first, units), tested(units, is_first, units);
      recurrent::cell_forward_plain(plain.forward());
      GetParam().forward(tested.forward());
      expect_near(tested.gates, plain.gates, kForwardTolerance);
      expect_near(tested.cell, plain.cell, kForwardTolerance);
      expect_near(tested.state, plain.state, kForwardTolerance);
    }
  }
}

TEST_P(LstmCells, AgreeWithThePlainCellBackward) {
  for (const std::size_t units : {1u, 7u, 8u, 9u, 16u, 31u}) {
    for (const bool is_first : {false, true}) {
      Cell cell(units, is_first, units);
      recurrent::cell_forward_plain(cell.forward());
      const std::vector<float> output_gradient = random_values(units, 50),
                               state_gradient = random_values(units, 51);
      const auto run = [&](auto kernel, std::vector<float>& gates, std::vector<float>& cell_gradient) {
        kernel(CellBackward{.units = units,
                            .output_gradient = output_gradient.data(),
                            .state_gradient = is_first ? nullptr : state_gradient.data(),
                            .cell_before = is_first ? nullptr : cell.cell_before.data(),
                            .cell = cell.cell.data(),
                            .cell_gradient = cell_gradient.data(),
                            .gates = gates.data()});
      };
      std::vector<float> plain = cell.gates, tested = cell.gates;
      std::vector<float> plain_cell = random_values(units, 52), tested_cell = plain_cell;
      run(recurrent::cell_backward_plain, plain, plain_cell);
      run(GetParam().backward, tested, tested_cell);
      // The same activations; only tanh(cell), within 12 * 2^-24, and fewer than ten roundings differ, all of
      // them of numbers below 6 (gradient 2, twice that at the cell, times a cell of 2 at most where slopes
      // are 1/4).
      expect_near(tested, plain, 6.0 * 22.0 / (1 << 24));
      expect_near(tested_cell, plain_cell, 6.0 * 22.0 / (1 << 24));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Supported, LstmCells, testing::ValuesIn(supported_cell_kernels()),
                         [](const auto& test) { return std::string(test.param.name); });

struct ProductCase {
  std::size_t rows, inputs, outputs;
};

// Rows in blocks of six and what is left of them; outputs around the sixteen columns of a panel; more inputs
// than the 512 rows of a panel that are used at a time.
const ProductCase kProducts[] = {{1, 1, 1},     {2, 3, 15},  {3, 5, 16},   {4, 8, 17},     {5, 9, 33},
                                 {6, 16, 64},   {7, 20, 20}, {8, 5, 12},   {9, 7, 48},     {13, 33, 31},
                                 {32, 40, 160}, {3, 513, 5}, {2, 5, 1030}, {32, 300, 1200}};

struct ProductProbe {
  explicit ProductProbe(const ProductCase& c)
      : input_form{.shape = {c.rows, c.inputs}, .blocks = nullptr},
        output_form{.shape = {c.rows, c.outputs}, .blocks = nullptr},
        input(random_values(c.rows * c.inputs, 1)),
        weights(random_values(c.outputs * c.inputs, 2)),
        bias(random_values(c.outputs, 3)),
        output_gradient(random_values(c.rows * c.outputs, 4)) {}

  std::vector<float> forward(Products& products) const {
    std::vector<float> output(output_form.storage_elements(), -77.0f);
    products.forward({&input_form, input.data()}, weights, bias, {&output_form, output.data()});
    return output;
  }
  std::vector<float> input_gradient(Products& products) const {
    std::vector<float> gradient(input_form.storage_elements(), -77.0f);
    products.input_gradient({&output_form, output_gradient.data()}, weights, {&input_form, gradient.data()});
    return gradient;
  }

  TensorForm input_form, output_form;
  std::vector<float> input, weights, bias, output_gradient;
};

// Both sides sum n products below 1 in an order of their own: n * 2^-24 * n is the worst, sqrt(n) roundings
// of a sum about sqrt(n) the rule; six times that.
double tolerance(std::size_t terms) {
  return 6.0 * static_cast<double>(terms) / (1 << 24);
}

TEST(RepeatedProducts, AreThoseOfBlasWhileTheirWeightsAreHeld) {
  for (const ProductCase& c : kProducts) {
    SCOPED_TRACE(testing::Message() << c.rows << " x " << c.inputs << " -> " << c.outputs);
    const ProductProbe probe(c);
    Arena arena;
    const auto repeated = make_repeated_products(probe.input_form, c.outputs, arena);
    const auto blas = make_fully_connected_products(probe.input_form, {.outputs = c.outputs});
    repeated->hold_weights(probe.weights, WeightUse::kForward);
    expect_near(probe.forward(*repeated), probe.forward(*blas), tolerance(c.inputs + 1));
    repeated->release_weights();
    repeated->hold_weights(probe.weights, WeightUse::kInputGradient);
    expect_near(probe.input_gradient(*repeated), probe.input_gradient(*blas), tolerance(c.outputs));
    repeated->release_weights();
  }
}

TEST(RepeatedProducts, AreThoseOfBlasWhereTheWeightsAreNotHeld) {
  const ProductProbe probe({5, 9, 33});
  Arena arena;
  const auto repeated = make_repeated_products(probe.input_form, 33, arena);
  const auto blas = make_fully_connected_products(probe.input_form, {.outputs = 33});
  EXPECT_EQ(probe.forward(*repeated), probe.forward(*blas));
  repeated->hold_weights(probe.weights, WeightUse::kForward);
  EXPECT_EQ(probe.input_gradient(*repeated), probe.input_gradient(*blas));
  repeated->release_weights();
  EXPECT_EQ(probe.forward(*repeated), probe.forward(*blas));
}

TEST(RepeatedProducts, SeeTheWeightsAsTheyWereWhenTheyWereHeldLast) {
  ProductProbe probe({4, 8, 17});
  Arena arena;
  const auto repeated = make_repeated_products(probe.input_form, 17, arena);
  for (const std::uint64_t stream : {5u, 6u}) {
    probe.weights = random_values(probe.weights.size(), stream);
    const auto expected = probe.forward(*make_fully_connected_products(probe.input_form, {.outputs = 17}));
    repeated->hold_weights(probe.weights, WeightUse::kForward);
    expect_near(probe.forward(*repeated), expected, tolerance(9));
    repeated->release_weights();
  }
}

TEST(RepeatedProducts, PassOnANan) {
  ProductProbe probe({7, 9, 17});
  probe.weights[16 * 9 + 8] = std::numeric_limits<float>::quiet_NaN();
  Arena arena;
  const auto repeated = make_repeated_products(probe.input_form, 17, arena);
  repeated->hold_weights(probe.weights, WeightUse::kForward);
  const std::vector<float> output = probe.forward(*repeated);
  repeated->release_weights();
  for (std::size_t i = 0; i < output.size(); ++i) EXPECT_EQ(std::isnan(output[i]), i % 17 == 16) << i;
}

}  // namespace
}  // namespace sterna::tensor
