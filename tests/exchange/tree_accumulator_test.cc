#include "runtime/exchange/tree_accumulator.h"

#include <gtest/gtest.h>

#include <string>

#include "runtime/collectives/ordered_sum.h"
#include "runtime/core/rng.h"

namespace sterna::exchange {
namespace {

// Values of very different sizes: almost every order of additions gives other bits.
std::vector<float> learner_values(std::uint32_t learner, std::size_t elements) {
  std::vector<float> values(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    const RandomKey key{.learner = learner};
    values[i] = random_normal(key, i) * static_cast<float>(1u << random_below(key, 1000 + i, 20));
  }
  return values;
}

TEST(TreeAccumulator, AddsInTheOrderOfTheTreeForAnyNumberOfVectors) {
  constexpr std::size_t kElements = 33;
  TreeAccumulator accumulator;
  for (std::uint32_t count = 1; count <= 17; ++count) {
    std::vector<std::vector<float>> all;
    accumulator.restart(kElements);
    for (std::uint32_t learner = 0; learner < count; ++learner) {
      all.push_back(learner_values(learner, kElements));
      std::ranges::copy(all.back(), accumulator.next().begin());
      accumulator.push();
    }
    collectives::for_each_tree_addition(count, [&](std::size_t left, std::size_t right) {
      for (std::size_t i = 0; i < kElements; ++i) all[left][i] += all[right][i];
    });
    const std::span<float> sum = accumulator.sum();
    EXPECT_EQ(std::vector<float>(sum.begin(), sum.end()), all[0]) << count << " vectors";
  }
}

TEST(TreeAccumulator, StartsAfreshWithAnotherLength) {
  TreeAccumulator accumulator;
  for (std::size_t elements : {8u, 3u, 20u}) {
    accumulator.restart(elements);
    for (float value : {1.0f, 2.0f, 4.0f}) {
      ASSERT_EQ(accumulator.next().size(), elements);
      std::ranges::fill(accumulator.next(), value);
      accumulator.push();
    }
    for (float value : accumulator.sum()) EXPECT_EQ(value, 7.0f);
  }
}

}  // namespace
}  // namespace sterna::exchange
