#include "models/layers/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "runtime/core/rng.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::models {
namespace {

// A dropout layer on `elements` ones.
struct Probe {
  Probe(const DropoutOptions& options, std::size_t elements)
      : form{.shape = {1, elements}, .blocks = nullptr},
        layer({.parameters = table, .statistics = table, .arena = arena, .input = form}, options),
        ones(elements, 1.0f) {}

  std::vector<float> forward(const PassKey& key, bool is_training = true) {
    pass_key = key;
    training = is_training;
    const auto output = layer.forward({&form, ones.data()}, pass()).storage();
    return {output.begin(), output.end()};
  }

  std::vector<float> backward() {
    const tensor::Tensor gradient = arena.borrow(form);
    std::ranges::fill(gradient.storage(), 3.0f);
    const tensor::Tensor result = layer.backward(gradient, pass());
    const std::vector<float> copy(result.storage().begin(), result.storage().end());
    arena.give_back(result);
    return copy;
  }

  Pass pass() {
    return {.parameters = table, .statistics = table, .arenas = {}, .key = pass_key, .is_training = training};
  }

  tensor::ParameterTable table;
  tensor::Arena arena;
  tensor::TensorForm form;
  Dropout layer;
  std::vector<float> ones;
  PassKey pass_key;
  bool training = true;
};

constexpr PassKey kKey{.seed = 1, .learner = 2, .step = 3};

TEST(Dropout, ClearsTheElementsWhoseRandomBitsSaySoAndScalesTheOthers) {
  for (std::size_t elements : {1u, 7u, 8u, 9u, 31u, 32u, 33u, 1000u}) {
    Probe probe({.probability = 0.2, .number = 4}, elements);
    const std::vector<float> output = probe.forward(kKey);
    const std::vector<float> gradient = probe.backward();
    const RandomKey key{.seed = 1, .use = RandomUse::kDropout, .learner = 2, .step = 3, .layer = 4};
    for (std::size_t i = 0; i < elements; ++i) {
      const bool is_kept = random_bits(key, i) >= 858993459u;  // floor(0.2 * 2^32)
      EXPECT_EQ(output[i], is_kept ? 1.25f : 0.0f) << i;
      EXPECT_EQ(gradient[i], is_kept ? 3.75f : 0.0f) << i;
    }
  }
}

TEST(Dropout, ClearsAsManyAsItsProbabilitySays) {
  constexpr std::size_t kElements = 1 << 16;
  for (double probability : {0.1, 0.5, 0.9}) {
    const std::vector<float> output = Probe({.probability = probability}, kElements).forward(kKey);
    const auto cleared = static_cast<double>(std::ranges::count(output, 0.0f));
    // Five standard deviations of a binomial count.
    EXPECT_NEAR(cleared, kElements * probability,
                5.0 * std::sqrt(kElements * probability * (1.0 - probability)));
  }
}

TEST(Dropout, HandsItsInputOnInEvaluationAndWhereNothingIsCleared) {
  Probe probe({.probability = 0.5}, 100);
  EXPECT_EQ(probe.forward(kKey, /*is_training=*/false), probe.ones);
  EXPECT_EQ(probe.backward(), std::vector(100, 3.0f));
  Probe none({.probability = 0.0}, 100);
  EXPECT_EQ(none.layer.forward({&none.form, none.ones.data()}, none.pass()).data, none.ones.data());
  EXPECT_EQ(none.backward(), std::vector(100, 3.0f));
}

TEST(Dropout, DiffersBySeedLearnerStepAndNumber) {
  std::set<std::vector<float>> outputs;
  Probe probe({.probability = 0.5}, 100);
  for (const PassKey& key : {kKey, PassKey{2, 2, 3}, PassKey{1, 3, 3}, PassKey{1, 2, 4}}) {
    outputs.insert(probe.forward(key));
    EXPECT_EQ(probe.forward(key), probe.forward(key));
  }
  outputs.insert(Probe({.probability = 0.5, .number = 1}, 100).forward(kKey));
  EXPECT_EQ(outputs.size(), 5u);
}

TEST(DropoutKernels, GiveEqualBits) {
  const tensor::kernels::KeepRule rule{
      .key = {.seed = 0x123456789ABCDEF0u, .use = RandomUse::kDropout, .learner = 7, .step = 9},
      .drop_below = 1u << 30,
      .scale = 1.5f};
  for (std::size_t elements : {1u, 8u, 9u, 33u, 1000u}) {
    const std::uint64_t first = elements * 4;
    std::vector<float> input(elements);
    for (std::size_t i = 0; i < elements; ++i) input[i] = random_normal({.seed = 8}, i);
    std::vector<std::uint32_t> expected_bits((elements + 31) / 32);
    std::vector<float> expected(elements);
    tensor::kernels::draw_keep_bits_plain(rule, first, elements, expected_bits.data());
    tensor::kernels::keep_plain(input.data(), expected_bits.data(), rule.scale, elements, expected.data());
    for (const tensor::kernels::Kernels& kernels : tensor::kernels::supported_kernels()) {
      std::vector<std::uint32_t> bits(expected_bits.size());
      std::vector<float> output(elements);
      kernels.draw_keep_bits(rule, first, elements, bits.data());
      kernels.keep(input.data(), bits.data(), rule.scale, elements, output.data());
      EXPECT_EQ(bits, expected_bits) << kernels.name;
      EXPECT_EQ(output, expected) << kernels.name;
    }
  }
}

}  // namespace
}  // namespace sterna::models
