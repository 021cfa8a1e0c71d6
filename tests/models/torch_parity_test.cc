// Loss and gradients against PyTorch's, which tests/golden/torch_parity.py computed in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/model.h"
#include "runtime/core/aligned_vector.h"
#include "tests/models/golden_formula.h"

namespace sterna::models {
namespace {

constexpr std::uint32_t kProjections = 1000;  // the script's stream

data::Batch golden_batch(const data::SampleShape& sample, std::size_t samples, std::uint32_t stream) {
  data::Batch batch = data::make_batch(sample, samples);
  for (std::size_t i = 0; i < batch.inputs.size(); ++i)
    batch.inputs[i] = static_cast<float>(golden_uniform(stream, i));
  for (std::size_t i = 0; i < batch.symbols.size(); ++i)
    batch.symbols[i] = golden_integer(stream, i, sample.symbols);
  for (std::size_t row = 0; row < batch.labels.size(); ++row)
    batch.labels[row] = static_cast<std::int32_t>(7 * row % sample.classes);
  return batch;
}

// Rounding errors of a float32 sum of K products are about sqrt(K) 2^-24 of its terms, K <= 6000: 5e-6 for a
// layer in the worst case. They have random signs, so that losses and norms, which are sums over very many of
// them, come out better than one element, and grow with the root of the layers that they pass: PyTorch's own
// float32 is within 9e-7 of these files for models of few layers, 3.1e-6 for resnet20 and 4.6e-6 for
// resnet34-cifar (the script prints it), and this implementation within 6.2e-6. 1e-5 leaves room for other
// orders of summation and is far below the effect of any mistake. It needs inputs that put no ReLU's input
// within rounding of 0, which the script looks for: one on the other side has moved a projection by 3e-3.
constexpr double kRelativeTolerance = 1e-5;

// In small images that many layers of normalisation have shrunk, a channel has a few dozen values, whose
// deviation may be small: rounding errors grow, PyTorch's too. Its own deviation, which the newer files have,
// is one sample of an error as large as ours; four times that holds for all of these models.
double tolerance_of(const nlohmann::json& golden) {
  return std::max(kRelativeTolerance, 4.0 * golden.value("float32_deviation", 0.0));
}

// A bias that a later normalisation takes out again has a gradient of 0 but for rounding: its scale is that
// of the weight or factor before it.
double scale_of(const nlohmann::json& expected, std::size_t p) {
  const double norm = expected[p]["norm"];
  const double before = p == 0 ? 0.0 : expected[p - 1]["norm"].get<double>();
  return norm < 1e-9 * before ? before : norm;
}

void expect_gradients(const nlohmann::json& expected, double relative_tolerance,
                      const tensor::ParameterTable& table, std::span<const float> gradients) {
  ASSERT_EQ(expected.size(), table.size());
  for (std::size_t p = 0; p < table.size(); ++p) {
    EXPECT_EQ(table[p].name, expected[p]["name"]);
    EXPECT_EQ(table[p].shape, expected[p]["shape"].get<std::vector<std::size_t>>());
    double square_sum = 0.0;
    double projection = 0.0;  // on fixed numbers, which tells a gradient from the same one in another order
    const auto gradient = table.slice(gradients, p);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const auto value = static_cast<double>(gradient[i]);
      square_sum += value * value;
      projection += value * golden_uniform(kProjections + static_cast<std::uint32_t>(p), i);
    }
    const double tolerance = relative_tolerance * scale_of(expected, p);
    EXPECT_NEAR(std::sqrt(square_sum), expected[p]["norm"].get<double>(), tolerance) << table[p].name;
    EXPECT_NEAR(projection, expected[p]["projection"].get<double>(), tolerance) << table[p].name;
  }
}

class TorchParity : public testing::TestWithParam<std::string> {};

TEST_P(TorchParity, HoldsForLossAndEveryGradient) {
  std::ifstream file(STERNA_GOLDEN_DIR "/parity/" + GetParam() + ".json");
  ASSERT_TRUE(file.is_open()) << "tests/golden/torch_parity.py " << GetParam() << " makes it";
  const nlohmann::json expected = nlohmann::json::parse(file);
  const std::vector<std::string> arguments = expected["arguments"];
  const auto model = make_model(GetParam(), expected["batch"], arguments);
  const tensor::ParameterTable& table = model->parameters();
  AlignedVector<float> values(table.arena_elements(), 0.0f);
  AlignedVector<float> gradients(table.arena_elements(), 0.0f);
  AlignedVector<float> statistics(model->statistics().arena_elements(), 0.0f);
  fill_golden_values(table, values);
  tensor::initialise(model->statistics(), /*seed=*/1, statistics);
  const data::Batch batch = golden_batch(model->sample_shape(), expected["batch"], expected["input_stream"]);
  const BatchScore score = model->forward_backward(
      batch, {}, {.values = values, .gradients = gradients, .statistics = statistics}, {});

  const double loss = expected["loss"];
  const double tolerance = tolerance_of(expected);
  EXPECT_NEAR(score.loss_sum / static_cast<double>(score.labels), loss, tolerance * loss);
  expect_gradients(expected["gradients"], tolerance, table, gradients);
}

INSTANTIATE_TEST_SUITE_P(Registered, TorchParity, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const ModelEntry& entry : model_table()) names.emplace_back(entry.name);
                           return names;
                         }()),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sterna::models
