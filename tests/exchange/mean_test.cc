#include "runtime/exchange/mean.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/rng.h"

namespace sterna::exchange {
namespace {

AlignedVector<float> arena_of(std::uint32_t learner) {
  AlignedVector<float> arena(33);
  for (std::size_t i = 0; i < arena.size(); ++i) arena[i] = random_normal({.learner = learner}, i);
  return arena;
}

AlignedVector<float> mean_on(int ranks, std::uint32_t learners) {
  AlignedVector<float> mean;
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    const std::uint32_t each = learners / static_cast<std::uint32_t>(ranks);
    std::vector<AlignedVector<float>> local;
    for (std::uint32_t l = 0; l < each; ++l) {
      local.push_back(arena_of(static_cast<std::uint32_t>(comm.rank()) * each + l));
    }
    const AlignedVector<float> mine = mean_over_learners(comm, local, learners, /*sum_in_any_order=*/false);
    if (comm.rank() == 0) mean = mine;
  });
  return mean;
}

TEST(MeanOverLearners, DividesTheSumByTheirNumber) {
  std::vector<AlignedVector<float>> local = {{1.0f, 2.0f}, {3.0f, 8.0f}};
  const auto comm = collectives::make_single();
  EXPECT_THAT(mean_over_learners(*comm, local, 2, false), testing::ElementsAre(2.0f, 5.0f));
}

TEST(MeanOverLearners, HasTheSameBitsAtAnyNumberOfRanks) {
  const AlignedVector<float> alone = mean_on(1, 4);
  EXPECT_EQ(mean_on(2, 4), alone);
  EXPECT_EQ(mean_on(4, 4), alone);
}

}  // namespace
}  // namespace sterna::exchange
