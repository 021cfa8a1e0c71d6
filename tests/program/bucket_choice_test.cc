// Which numbers of buckets are tried and what is kept, from times that the test makes up.
#include "runtime/bucket_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "runtime/collectives/make_communicator.h"

namespace sterna {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TrainConfig two_learners() {
  TrainConfig config;
  config.model = "lenet";
  config.data = "synthetic";
  config.batch = 1;
  config.steps = 100;
  return config;
}

// Seconds of a step's exchange, and those that were exposed.
struct Times {
  double exchange, exposed;
};
using TimesOf = std::function<Times(std::size_t buckets)>;

struct Followed {
  std::vector<std::size_t> buckets;  // in which each step travelled
  std::vector<std::string> notes;    // and the step after which each was made
  std::vector<std::uint64_t> steps;
};

Followed follow(const TrainConfig& config, const TimesOf& times_of, std::uint64_t steps,
                std::uint64_t restart_at = 0) {
  Followed of_rank_0;
  collectives::run_on_threads(2, [&](collectives::Communicator& comm) {
    sterna::Run run = make_run(config, comm);
    BucketChoice choice(run);
    Followed followed;
    for (std::uint64_t step = 0; step < steps; ++step) {
      followed.buckets.push_back(run.buckets.size());
      const Times times = times_of(run.buckets.size());
      record::StepRecord record;
      record.step = step;
      // Of the exchange the faster rank counts, of what is exposed the slower one.
      record.exchange_seconds = times.exchange * (comm.rank() == 0 ? 2.0 : 1.0);
      record.exposed_seconds = times.exposed * (comm.rank() == 0 ? 0.5 : 1.0);
      if (const auto note = choice.after_step(record)) {
        followed.notes.push_back(*note);
        followed.steps.push_back(step);
      }
      if (restart_at > 0 && step == restart_at) choice.restart(step);
    }
    if (comm.rank() == 0) of_rank_0 = followed;
  });
  return of_rank_0;
}

// An exchange so long that its messages cost nothing beside it: each of the eight parameters gets a bucket.
TEST(BucketChoice, KeepsMoreBucketsWhereTheyExposeLess) {
  const auto slow_link = [](std::size_t buckets) { return Times{1e6, buckets == 1 ? 0.3 : 0.1}; };
  const Followed followed = follow(two_learners(), slow_link, 20);
  EXPECT_EQ(std::vector(followed.buckets.begin(), followed.buckets.begin() + 7),
            std::vector<std::size_t>(7, 1));
  EXPECT_GT(followed.buckets[7], 1u);
  EXPECT_EQ(followed.buckets.back(), followed.buckets[7]);
  EXPECT_THAT(followed.steps, ElementsAre(13));
  EXPECT_THAT(followed.notes[0], HasSubstr("100 ms a step exposed; 300 ms in 1"));
}

TEST(BucketChoice, GoesBackWhereMoreBucketsExposeMore) {
  const auto costly_messages = [](std::size_t buckets) { return Times{1e6, buckets == 1 ? 0.1 : 0.3}; };
  const Followed followed = follow(two_learners(), costly_messages, 20);
  EXPECT_GT(followed.buckets[7], 1u);
  EXPECT_EQ(followed.buckets.back(), 1u);
  EXPECT_THAT(followed.notes[0],
              HasSubstr("buckets: 1 of about 2.33 MB of gradient, 100 ms a step exposed; 300 ms in "));
}

TEST(BucketChoice, TriesNothingWhereMessagesAreAllTheCost) {
  const Followed followed = follow(
      two_learners(),
      [](std::size_t) {
        return Times{0.0, 0.0};
      },
      20);
  EXPECT_EQ(followed.buckets, std::vector<std::size_t>(20, 1));
  EXPECT_THAT(followed.steps, ElementsAre(6));
}

TEST(BucketChoice, BeginsAgainWhereGradientsTravelInAnotherWay) {
  const auto slow_link = [](std::size_t buckets) { return Times{1e6, buckets == 1 ? 0.3 : 0.1}; };
  const Followed followed = follow(two_learners(), slow_link, 50, /*restart_at=*/20);
  EXPECT_GT(followed.buckets[20], 1u);
  EXPECT_EQ(followed.buckets[21], 1u);
  EXPECT_THAT(followed.steps, ElementsAre(13, 34));
}

TEST(BucketChoice, LeavesBucketsThatAreSetAsTheyAre) {
  TrainConfig config = two_learners();
  config.bucket_bytes = 1u << 20;
  const Followed followed = follow(
      config,
      [](std::size_t) {
        return Times{1e6, 1.0};
      },
      20);
  EXPECT_EQ(followed.buckets, std::vector<std::size_t>(20, followed.buckets[0]));
  EXPECT_TRUE(followed.notes.empty());
}

}  // namespace
}  // namespace sterna
