#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/loader.h"
#include "runtime/data/permutation.h"
#include "tests/support/scratch_directory.h"

namespace sterna::data {
namespace {

using testing::HasSubstr;
using Numbers = std::vector<std::uint32_t>;

Numbers copy_of(std::span<const std::uint32_t> numbers) {
  return {numbers.begin(), numbers.end()};
}

// The samples of `steps` steps, learner after learner.
Numbers samples_of(Shards& shards, std::uint64_t first_step, std::uint64_t steps, std::uint32_t learners) {
  Numbers all;
  for (std::uint64_t step = first_step; step < first_step + steps; ++step) {
    for (std::uint32_t learner = 0; learner < learners; ++learner) {
      const auto batch = shards.batch(step, learner);
      all.insert(all.end(), batch.begin(), batch.end());
    }
  }
  return all;
}

TEST(RandomPermutation, HoldsEachNumberOnce) {
  for (std::uint32_t n : {0u, 1u, 2u, 7u, 1000u}) {
    Numbers permutation = random_permutation({.seed = 1}, n);
    std::ranges::sort(permutation);
    Numbers expected(n);
    std::iota(expected.begin(), expected.end(), 0u);
    EXPECT_EQ(permutation, expected);
  }
}

// 6000 seeds: each of the 6 orders of 3 elements is met 1000 times, give or take 5 sqrt(6000 (1/6) (5/6)) =
// 144.
TEST(RandomPermutation, MeetsEveryOrderAboutEquallyOften) {
  std::vector<int> counts(9, 0);
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const Numbers permutation = random_permutation({.seed = seed}, 3);
    ++counts[3 * permutation[0] + permutation[1]];
  }
  for (std::size_t order : {1u, 2u, 3u, 5u, 6u, 7u}) EXPECT_NEAR(counts[order], 1000, 144);
}

// 103 samples in batches of 4 for 5 learners: floor(103 / 20) = 5 steps an epoch, and 3 samples are left out.
TEST(Shards, GiveEachSampleOnceAnEpochButForTheTail) {
  Shards shards(103, 4, 5, /*seed=*/1);
  ASSERT_EQ(shards.steps_per_epoch(), 5u);
  for (std::uint64_t epoch : {0u, 1u}) {
    Numbers all = samples_of(shards, 5 * epoch, 5, 5);
    ASSERT_EQ(all.size(), 100u);
    std::ranges::sort(all);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end()) << "a sample twice";
    EXPECT_LT(all.back(), 103u);
  }
}

// The definition of loader.h, with the permutation that its key names.
TEST(Shards, GiveLearnerLTheSamplesFromSLPlusLTimesBOn) {
  Shards shards(103, 4, 5, /*seed=*/9);
  for (std::uint32_t epoch : {0u, 2u}) {
    const Numbers permutation =
        random_permutation({.seed = 9, .use = RandomUse::kShuffle, .step = epoch}, 103);
    for (std::uint32_t s = 0; s < 5; ++s) {
      for (std::uint32_t learner = 0; learner < 5; ++learner) {
        const auto first = permutation.begin() + (s * 5 + learner) * 4;
        EXPECT_EQ(copy_of(shards.batch(5 * epoch + s, learner)), Numbers(first, first + 4));
      }
    }
  }
}

TEST(Shards, DifferFromEpochToEpochAndFromSeedToSeed) {
  Shards one(100, 10, 2, /*seed=*/1);
  Shards two(100, 10, 2, /*seed=*/2);
  const Numbers first = samples_of(one, 0, 5, 2);
  EXPECT_NE(samples_of(one, 5, 5, 2), first);
  EXPECT_NE(samples_of(two, 0, 5, 2), first);
  EXPECT_EQ(samples_of(one, 0, 5, 2), first) << "going back to an epoch gives it again";
}

// 103 samples of 4 labels for 5 learners: parts begin at the places 0, 21, 42, 62 and 83 of the samples
// sorted by label and number, the smallest p with floor(5 p / 103) = l. floor(103 / 5 / 4) = 5 steps an
// epoch.
class ShardsByLabel : public testing::Test {
 protected:
  ShardsByLabel() : labels(103) {
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i * 7 % 4);
  }

  // The samples of learner `learner`, whatever the epoch.
  Numbers part(std::size_t learner) const {
    Numbers sorted(labels.size());
    std::iota(sorted.begin(), sorted.end(), 0u);
    std::ranges::sort(sorted, {}, [&](std::uint32_t i) { return std::pair(labels[i], i); });
    constexpr std::size_t kFirst[] = {0, 21, 42, 62, 83, 103};
    Numbers part(sorted.begin() + kFirst[learner], sorted.begin() + kFirst[learner + 1]);
    std::ranges::sort(part);
    return part;
  }

  std::vector<std::int32_t> labels;
};

TEST_F(ShardsByLabel, GiveALearnerItsPartInTheOrderOfTheEpochsPermutation) {
  Shards shards(labels, 4, 5, /*seed=*/9);
  ASSERT_EQ(shards.steps_per_epoch(), 5u);
  for (std::uint32_t epoch : {0u, 2u}) {
    const Numbers permutation =
        random_permutation({.seed = 9, .use = RandomUse::kShuffle, .step = epoch}, 103);
    for (std::uint32_t learner = 0; learner < 5; ++learner) {
      const Numbers owned = part(learner);
      Numbers expected;
      std::ranges::copy_if(permutation, std::back_inserter(expected),
                           [&](std::uint32_t i) { return std::ranges::binary_search(owned, i); });
      expected.resize(20);  // 5 steps of 4
      Numbers given;
      for (std::uint32_t s = 0; s < 5; ++s) {
        const auto batch = shards.batch(5 * epoch + s, learner);
        given.insert(given.end(), batch.begin(), batch.end());
      }
      EXPECT_EQ(given, expected) << "epoch " << epoch << ", learner " << learner;
    }
  }
}

TEST_F(ShardsByLabel, LeaveALearnerFewLabels) {
  Shards shards(labels, 4, 5, /*seed=*/1);
  for (std::uint32_t learner = 0; learner < 5; ++learner) {
    std::set<std::int32_t> seen;
    for (std::uint64_t step = 0; step < 50; ++step) {
      for (std::uint32_t number : shards.batch(step, learner)) seen.insert(labels[number]);
    }
    EXPECT_LE(seen.size(), 2u) << "of 4";
  }
}

TEST_F(ShardsByLabel, AreRefusedAsOthersAre) {
  EXPECT_THROW(Shards(labels, 21, 5, /*seed=*/1), ConfigError);
  EXPECT_NO_THROW(Shards(labels, 20, 5, /*seed=*/1));
}

TEST(Shards, TakeAStepOfTheWholeDataSet) {
  Shards shards(8, 4, 2, /*seed=*/1);
  EXPECT_EQ(shards.steps_per_epoch(), 1u);
  EXPECT_EQ(shards.batch(3, 1).size(), 4u);
}

TEST(Shards, RefuseAStepThatTakesMoreSamplesThanThereAre) {
  const std::string message = test::message_of<ConfigError>([] { Shards(7, 4, 2, /*seed=*/1); });
  EXPECT_THAT(message, HasSubstr("batch = 4, learners = 2"));
  EXPECT_THAT(message, HasSubstr("7 training samples"));
}

TEST(Shards, RefuseBatchesWhoseProductOverflows) {
  EXPECT_THROW(Shards(100, std::numeric_limits<std::size_t>::max() / 2 + 1, 2, /*seed=*/1), ConfigError);
}

TEST(Shards, RefuseEmptyBatchesNoLearnersAndNoSamples) {
  EXPECT_THROW(Shards(100, 0, 2, /*seed=*/1), ConfigError);
  EXPECT_THROW(Shards(100, 1, 0, /*seed=*/1), ConfigError);
  EXPECT_THROW(Shards(0, 1, 1, /*seed=*/1), ConfigError);
}

TEST(Shards, CheckTheLearner) {
  Shards shards(8, 1, 2, /*seed=*/1);
  EXPECT_THROW((void)shards.batch(0, 2), InternalError);
}

}  // namespace
}  // namespace sterna::data
