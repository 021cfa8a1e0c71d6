#include "runtime/bucket/bucket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sterna::bucket {
namespace {

using testing::ElementsAre;

tensor::ParameterTable table_of(const std::vector<std::size_t>& elements) {
  tensor::ParameterTable table;
  for (std::size_t n : elements) {
    table.add({.name = std::to_string(table.size()),
               .shape = {n},
               .kind = tensor::ParameterKind::kBias,
               .initial_bound = 0.0});
  }
  return table;
}

TEST(Buckets, TakeTheLastLayerFirstAndCloseWhenFull) {
  // 400 bytes close a bucket of 100 elements: {3: 60, 2: 50}, {1: 200}, {0: 10}.
  const auto buckets = plan_buckets(table_of({10, 200, 50, 60}), /*bucket_bytes=*/400);
  ASSERT_EQ(buckets.size(), 3u);
  EXPECT_THAT(buckets[0].parameters, ElementsAre(3, 2));
  EXPECT_THAT(buckets[1].parameters, ElementsAre(1));
  EXPECT_THAT(buckets[2].parameters, ElementsAre(0));
  EXPECT_EQ(buckets[0].elements, 110u);
  EXPECT_EQ(buckets[2].index, 2u);
}

TEST(Buckets, HoldEveryParameterOnce) {
  std::vector<int> seen(5, 0);
  for (const GradientBucket& bucket : plan_buckets(table_of({1, 2, 3, 4, 5}), 8)) {
    for (std::size_t parameter : bucket.parameters) ++seen[parameter];
  }
  EXPECT_THAT(seen, testing::Each(1));
}

TEST(Buckets, AreOneWhereAllFits) {
  EXPECT_EQ(plan_buckets(table_of({1, 2, 3}), 1u << 20).size(), 1u);
}

TEST(Buckets, AreNoneWithoutParameters) {
  EXPECT_TRUE(plan_buckets(table_of({}), 8).empty());
}

TEST(BestBucketCount, WeighsMessagesAgainstTheLastBucketsBytes) {
  // Of 101 ms in one bucket, 100 ms are bytes; with messages of 1 ms, N + 100 / N is least at N = 10.
  EXPECT_EQ(best_bucket_count(0.101, 1, 0.001, 50), 10u);
  // The same exchange seen in four buckets.
  EXPECT_EQ(best_bucket_count(0.104, 4, 0.001, 50), 10u);
}

TEST(BestBucketCount, IsOneWhereMessagesAreAllTheCost) {
  EXPECT_EQ(best_bucket_count(0.001, 1, 0.001, 50), 1u);
  EXPECT_EQ(best_bucket_count(0.001, 4, 0.001, 50), 1u);  // less than four messages take: noise
}

TEST(BestBucketCount, StaysWithinWhatThereIs) {
  EXPECT_EQ(best_bucket_count(10.0, 1, 1e-6, 8), 8u);
  EXPECT_EQ(best_bucket_count(10.0, 1, 0.0, 8), 8u);  // below the clock's resolution
  EXPECT_EQ(best_bucket_count(10.0, 1, 1e-6, 0), 1u);
}

}  // namespace
}  // namespace sterna::bucket
