#include "runtime/optim/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::optim {
namespace {

using testing::HasSubstr;

const OptimizerOptions kPlain{};
const OptimizerOptions kAllSet{
    .momentum = 0.9f, .weight_decay = 0.01f, .beta1 = 0.8f, .beta2 = 0.95f, .epsilon = 1e-6f};

std::vector<float> normal_values(std::size_t n, std::uint32_t step) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = random_normal({.seed = 1, .step = step}, i);
  return values;
}

// The formulas of the files' heads for one element, in plain scalar code.
struct ScalarReference {
  std::string_view name;
  OptimizerOptions options;
  float first = 0.0f;   // v of sgd, m of adam
  float second = 0.0f;  // v of adam
  int steps_taken = 0;

  float step(float g, float lr, float w) {
    ++steps_taken;
    if (name == "sgd") {
      const float decayed = g + options.weight_decay * w;
      first = options.momentum * first + decayed;
      return w - lr * first;
    }
    if (name == "adam") g = g + options.weight_decay * w;
    first = options.beta1 * first + static_cast<float>(1.0 - options.beta1) * g;
    second = options.beta2 * second + static_cast<float>(1.0 - options.beta2) * (g * g);
    const double t = steps_taken;
    const auto rate = static_cast<float>(lr / (1.0 - std::pow(double{options.beta1}, t)));
    const auto correction = static_cast<float>(std::sqrt(1.0 - std::pow(double{options.beta2}, t)));
    const float move = rate * (first / (std::sqrt(second) / correction + options.epsilon));
    if (name == "adam") return w - move;
    return static_cast<float>(1.0 - double{lr} * double{options.weight_decay}) * w - move;
  }
};

std::vector<std::string_view> optimizer_names() {
  std::vector<std::string_view> names;
  for (const OptimizerEntry& entry : optimizer_table()) names.push_back(entry.name);
  return names;
}

class EveryOptimizer : public testing::TestWithParam<std::string_view> {};

// 100000 elements take the loop that may run in several threads; the short ones end within a vector register.
TEST_P(EveryOptimizer, EqualsTheScalarFormulaBitForBit) {
  for (std::size_t n : {0u, 1u, 7u, 8u, 9u, 1000u, 100000u}) {
    for (const OptimizerOptions& options : {kPlain, kAllSet}) {
      auto optimizer = make_optimizer(GetParam(), n, options);
      std::vector<ScalarReference> reference(n, {.name = GetParam(), .options = options});
      std::vector<float> parameters = normal_values(n, /*step=*/100);
      std::vector<float> expected = parameters;
      for (std::uint32_t step = 0; step < 4; ++step) {
        const std::vector<float> gradient = normal_values(n, step);
        const float lr = 0.1f / static_cast<float>(step + 1);
        optimizer->apply(gradient, lr, parameters);
        for (std::size_t i = 0; i < n; ++i) expected[i] = reference[i].step(gradient[i], lr, expected[i]);
        ASSERT_EQ(parameters, expected) << "n = " << n << ", step " << step;
      }
    }
  }
}

TEST_P(EveryOptimizer, ContinuesFromItsStateAsIfNeverStopped) {
  constexpr std::size_t kElements = 9;
  auto first = make_optimizer(GetParam(), kElements, kAllSet);
  std::vector<float> parameters = normal_values(kElements, /*step=*/100);
  for (std::uint32_t step = 0; step < 3; ++step)
    first->apply(normal_values(kElements, step), 0.1f, parameters);

  auto second = make_optimizer(GetParam(), kElements, kAllSet);
  ASSERT_EQ(second->state().size(), first->state().size());
  for (std::size_t i = 0; i < first->state().size(); ++i) {
    std::ranges::copy(first->state()[i], second->state()[i].begin());
  }
  second->resume_at(3);
  std::vector<float> resumed = parameters;
  first->apply(normal_values(kElements, 3), 0.1f, parameters);
  second->apply(normal_values(kElements, 3), 0.1f, resumed);
  EXPECT_EQ(resumed, parameters);
}

// Padding between parameters: values and gradients of 0 stay 0, and make no NaN.
TEST_P(EveryOptimizer, LeavesZerosWithoutGradientAtZero) {
  for (const OptimizerOptions& options : {kPlain, kAllSet}) {
    auto optimizer = make_optimizer(GetParam(), 16, options);
    std::vector<float> parameters(16, 0.0f);
    for (int step = 0; step < 3; ++step) optimizer->apply(std::vector<float>(16, 0.0f), 0.1f, parameters);
    EXPECT_EQ(parameters, std::vector<float>(16, 0.0f));
  }
}

TEST_P(EveryOptimizer, ChecksTheLengthOfItsArguments) {
  auto optimizer = make_optimizer(GetParam(), 4, kPlain);
  std::vector<float> four(4, 0.0f);
  std::vector<float> five(5, 0.0f);
  EXPECT_THROW(optimizer->apply(five, 0.1f, four), InternalError);
  EXPECT_THROW(optimizer->apply(four, 0.1f, five), InternalError);
}

INSTANTIATE_TEST_SUITE_P(Registered, EveryOptimizer, testing::ValuesIn(optimizer_names()),
                         [](const auto& test) { return std::string(test.param); });

// v = 0.5 * 0 + 2 = 2, w = 1 - 0.25 * 2 = 0.5; then v = 0.5 * 2 + 1 = 2, w = 0.5 - 0.25 * 2 = 0. All exact in
// binary.
TEST(Sgd, StepsAsWorkedOutByHand) {
  auto sgd = make_optimizer("sgd", 1, {.momentum = 0.5f});
  std::vector<float> w = {1.0f};
  sgd->apply(std::vector{2.0f}, 0.25f, w);
  EXPECT_EQ(w[0], 0.5f);
  sgd->apply(std::vector{1.0f}, 0.25f, w);
  EXPECT_EQ(w[0], 0.0f);
}

TEST(Sgd, KeepsNoStateWithoutMomentum) {
  EXPECT_TRUE(make_optimizer("sgd", 4, kPlain)->state().empty());
  EXPECT_EQ(make_optimizer("sgd", 4, kAllSet)->state().size(), 1u);
}

// The first step's moments, corrected, are g and g^2: w moves by lr against the gradient's sign, whatever its
// size. Each of the about 8 operations errs by 2^-24 of lr, and the subtraction by 2^-25 of 1: together below
// 9 * 2^-24.
TEST(Adam, MovesByTheLearningRateInItsFirstStep) {
  auto adam = make_optimizer("adam", 2, kPlain);
  std::vector<float> w = {1.0f, 1.0f};
  adam->apply(std::vector{100.0f, -0.25f}, 0.5f, w);
  EXPECT_NEAR(w[0], 0.5f, 9 * 0x1p-24f);
  EXPECT_NEAR(w[1], 1.5f, 9 * 0x1p-24f);
}

TEST(AdamW, DecaysWithoutAGradient) {
  auto adamw = make_optimizer("adamw", 1, {.weight_decay = 0.5f});
  std::vector<float> w = {1.0f};
  adamw->apply(std::vector{0.0f}, 0.5f, w);
  EXPECT_EQ(w[0], 0.75f);  // 1 - 0.5 * 0.5
}

OptimizerOptions options_of(const nlohmann::json& json) {
  return {.momentum = json.value("momentum", 0.0f),
          .weight_decay = json.value("weight_decay", 0.0f),
          .beta1 = json.value("beta1", 0.9f),
          .beta2 = json.value("beta2", 0.999f),
          .epsilon = json.value("epsilon", 1e-8f)};
}

// Both sides round after each operation, in another order. |w| stays below 2, so storing it errs by 2^-24 a
// step on each side. A move is lr times u, lr <= 0.02. For sgd |u| <= 2.1 / (1 - 0.9) = 21. For adam |g| lies
// in [0.5, 2.1], so |u| <= 2.1 / 0.5 < 5, with an error relative to 5 even where m cancels. About 10
// roundings go into u, so that a move errs by 0.02 * 21 * 10 * 2^-24 < 5 * 2^-24 on each side: with both,
// below 12 * 2^-24 a step.
TEST(Optimizers, FollowPyTorch) {
  std::ifstream file(STERNA_GOLDEN "/optimizers.json");
  ASSERT_TRUE(file);
  const auto golden = nlohmann::json::parse(file);
  const auto gradients = golden["gradients"].get<std::vector<std::vector<float>>>();
  const auto rates = golden["learning_rates"].get<std::vector<float>>();
  ASSERT_EQ(golden["cases"].size(), 7u);
  for (const auto& golden_case : golden["cases"]) {
    SCOPED_TRACE(cat(golden_case["name"], " ", golden_case["options"].dump()));
    auto parameters = golden["start"].get<std::vector<float>>();
    auto optimizer = make_optimizer(golden_case["name"].get<std::string>(), parameters.size(),
                                    options_of(golden_case["options"]));
    const auto expected = golden_case["parameters"].get<std::vector<std::vector<float>>>();
    ASSERT_EQ(expected.size(), gradients.size());
    for (std::size_t step = 0; step < gradients.size(); ++step) {
      optimizer->apply(gradients[step], rates[step], parameters);
      const float tolerance = 12.0f * 0x1p-24f * static_cast<float>(step + 1);
      EXPECT_THAT(parameters, testing::Pointwise(testing::FloatNear(tolerance), expected[step]))
          << "step " << step;
    }
  }
}

TEST(OptimizerTable, HasTheDocumentedNames) {
  EXPECT_THAT(optimizer_names(), testing::ElementsAre("adam", "adamw", "sgd"));
}

std::string refusal(std::string_view name, const OptimizerOptions& options) {
  try {
    (void)make_optimizer(name, 1, options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(MakeOptimizer, RefusesAnUnknownNameAndListsTheKnown) {
  EXPECT_THAT(refusal("lamb", {}),
              HasSubstr("--optimizer = lamb: no such optimizer; this build has adam, adamw, sgd"));
}

TEST(MakeOptimizer, RefusesSettingsOutOfRange) {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  for (float value : {-0.1f, 1.0f, nan}) {
    EXPECT_THAT(refusal("sgd", {.momentum = value}), HasSubstr("momentum = ")) << value;
    EXPECT_THAT(refusal("adam", {.beta1 = value}), HasSubstr("beta1 = ")) << value;
    EXPECT_THAT(refusal("adam", {.beta2 = value}), HasSubstr("beta2 = ")) << value;
  }
  for (float value : {-0.1f, infinity, nan}) {
    EXPECT_THAT(refusal("sgd", {.weight_decay = value}), HasSubstr("weight-decay = ")) << value;
  }
  for (float value : {0.0f, -1.0f, infinity, nan}) {
    EXPECT_THAT(refusal("adamw", {.epsilon = value}), HasSubstr("epsilon = ")) << value;
  }
}

}  // namespace
}  // namespace sterna::optim
