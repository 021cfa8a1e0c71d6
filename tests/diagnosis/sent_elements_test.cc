#include "runtime/diagnosis/sent_elements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "runtime/bucket/bucket.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/rng.h"
#include "runtime/diagnosis/vector_measures.h"
#include "runtime/exchange/exchange.h"

namespace sterna::diagnosis {
namespace {

using testing::ElementsAre;

using Values = std::vector<float>;

std::vector<std::string> choosing_compressors() {
  std::vector<std::string> names;
  for (const auto& entry : compressors::compressor_table()) {
    if (chooses_elements(*entry.make({.elements = 1}, {}))) names.emplace_back(entry.name);
  }
  return names;
}

TEST(ChoosesElements, SaysWhichMethodsSendAPart) {
  EXPECT_THAT(choosing_compressors(),
              ElementsAre("adacomp", "dryden", "ls", "randomk", "scalecom", "strom", "topk"));
}

// One layer that some learners exchange. Gradients are odd sixteenths: none is 0, and sums of a few are
// exact.
class Exchanged {
 public:
  Exchanged(const std::string& compressor, std::uint64_t steps, std::uint32_t learners)
      : learners_(learners) {
    table_.add({.name = "fc", .shape = {kElements}, .kind = tensor::ParameterKind::kFullyConnected});
    exchange::ExchangeOptions options;
    options.compressor = compressor;
    options.settings = {.rate = 10, .bin_fc = 25, .threshold = 1.0f};
    options.learners = learners;
    exchange_ = std::make_unique<exchange::GradientExchange>(*comm_, table_, options);
    mean_.assign(table_.arena_elements(), 0.0f);
    for (std::uint64_t step = 0; step < steps; ++step) exchange(step);
  }

  LayerStep layer_step() const {
    LayerStep layer{.compressor = exchange_->compressor(0),
                    .key = {.step = step_},
                    .leader = exchange_->leader(step_),
                    .residues = {},
                    .gradients = {},
                    .mean_sent = table_.slice(std::span<const float>(mean_), 0)};
    for (std::size_t i = 0; i < learners_; ++i) {
      layer.residues.push_back(table_.slice(std::span<const float>(residues_[i]), 0));
      layer.gradients.push_back(table_.slice(std::span<const float>(gradients_[i]), 0));
    }
    return layer;
  }

  std::size_t elements_sent() const { return exchange_->traffic(0).elements_sent; }

 private:
  static constexpr std::size_t kElements = 200;

  void exchange(std::uint64_t step) {
    step_ = step;
    residues_.clear();
    gradients_.clear();
    for (std::uint32_t i = 0; i < learners_; ++i) {
      const std::span<const float> residue = exchange_->residue(i);
      residues_.emplace_back(residue.begin(), residue.end());
      AlignedVector<float>& gradient = gradients_.emplace_back(table_.arena_elements(), 0.0f);
      const RandomKey key{.learner = i, .step = static_cast<std::uint32_t>(step)};
      for (std::size_t e = 0; e < kElements; ++e)
        gradient[e] = std::round(8 * random_normal(key, e)) / 8 + 0.0625f;
    }
    for (const auto& bucket : bucket::plan_buckets(table_, 1u << 20)) {
      exchange_->reduce_to_mean(bucket, step, gradients_, mean_);
    }
  }

  std::uint32_t learners_;
  tensor::ParameterTable table_;
  std::unique_ptr<collectives::Communicator> comm_ = collectives::make_single();
  std::unique_ptr<exchange::GradientExchange> exchange_;
  std::uint64_t step_ = 0;
  std::vector<AlignedVector<float>> residues_;  // before the last step
  std::vector<AlignedVector<float>> gradients_;
  AlignedVector<float> mean_;
};

class SentElements : public testing::TestWithParam<std::string> {};

// At first no value is 0, so that the mean of one learner is other than 0 where it sent something.
TEST_P(SentElements, AreThoseThatTheExchangeCarried) {
  const Exchanged exchanged(GetParam(), 1, 1);
  const LayerStep step = exchanged.layer_step();
  Indices carried;
  for (std::uint32_t i = 0; i < step.elements(); ++i) {
    if (step.mean_sent[i] != 0.0f) carried.push_back(i);
  }
  EXPECT_THAT(sent_elements(step), ElementsAre(carried));
  EXPECT_EQ(carried.size(), exchanged.elements_sent());
}

TEST_P(SentElements, HaveAllThatFourLearnersSent) {
  for (const std::uint64_t steps : {1u, 2u, 4u}) {
    const Exchanged exchanged(GetParam(), steps, 4);
    const LayerStep step = exchanged.layer_step();
    const std::vector<Indices> sent = sent_elements(step);
    ASSERT_EQ(sent.size(), 4u);
    EXPECT_EQ(sent.front().size(), exchanged.elements_sent()) << "after " << steps;
    std::vector<bool> is_sent(step.elements());
    for (const Indices& indices : sent) {
      EXPECT_FALSE(indices.empty());
      EXPECT_TRUE(std::ranges::is_sorted(indices));
      for (const std::uint32_t index : indices) is_sent[index] = true;
    }
    EXPECT_EQ(union_of(sent), static_cast<std::size_t>(std::ranges::count(is_sent, true)));
    for (std::size_t i = 0; i < step.elements(); ++i) {
      EXPECT_TRUE(is_sent[i] || step.mean_sent[i] == 0.0f) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Registered, SentElements, testing::ValuesIn(choosing_compressors()),
                         [](const auto& test) { return test.param; });

// mean_i CLT(x_i) = CLT(mean_i x_i), exactly: x is in sixteenths, and there are four learners.
TEST(SentElements, OfScaleComCommuteWithTheMean) {
  for (const std::uint64_t steps : {1u, 2u, 3u, 6u}) {
    const Exchanged exchanged("scalecom", steps, 4);
    const LayerStep step = exchanged.layer_step();
    EXPECT_EQ(step.leader, (steps - 1) % 4);
    const Values y = mean_of_sums(step.residues, step.gradients);
    Values expected(y.size(), 0.0f);
    const Indices chosen = sent_elements(step)[step.leader];
    for (const std::uint32_t index : chosen) expected[index] = y[index];
    EXPECT_EQ(Values(step.mean_sent.begin(), step.mean_sent.end()), expected) << "after " << steps;
  }
}

TEST(LargestElements, AreOfTheSumTiesToTheLowerIndexAndNeverZero) {
  // Sums 3, -4, 4, 0, 1.
  const Values gradient = {1, -4, 4, 2, 0};
  const Values residue = {2, 0, 0, -2, 1};
  EXPECT_THAT(largest_elements(gradient, residue, 0), ElementsAre());
  EXPECT_THAT(largest_elements(gradient, residue, 1), ElementsAre(1));
  EXPECT_THAT(largest_elements(gradient, residue, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(largest_elements(gradient, residue, 5), ElementsAre(0, 1, 2, 4));
}

TEST(UnionAndIntersection, CountEachElementOnce) {
  EXPECT_EQ(union_of(std::vector<Indices>{{1, 4}, {0, 4}, {}, {1, 9}}), 4u);
  EXPECT_EQ(union_of(std::vector<Indices>{{}, {}}), 0u);
  EXPECT_EQ(intersection_of({1, 4, 7}, {0, 1, 7, 8}), 2u);
}

}  // namespace
}  // namespace sterna::diagnosis
