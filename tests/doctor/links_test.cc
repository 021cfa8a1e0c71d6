#include "runtime/doctor/links.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "runtime/collectives/make_communicator.h"

namespace sterna::doctor {
namespace {

TEST(Tournament, LetsEachTwoMeetOnceAndNobodyHaveTwoAtATime) {
  for (int n = 0; n <= 9; ++n) {
    std::set<std::pair<int, int>> met;
    for (const auto& round : tournament(n)) {
      std::set<int> busy;
      for (const auto& [a, b] : round) {
        EXPECT_LT(a, b);
        EXPECT_TRUE(busy.insert(a).second && busy.insert(b).second) << n << " players";
        EXPECT_TRUE(met.emplace(a, b).second) << a << " and " << b << " of " << n << " meet again";
      }
    }
    EXPECT_EQ(met.size(), static_cast<std::size_t>(n * (n - 1) / 2)) << n << " players";
  }
}

TEST(Tournament, TakesAsFewRoundsAsThereCanBe) {
  EXPECT_EQ(tournament(4).size(), 3u);
  EXPECT_EQ(tournament(5).size(), 5u);  // one rests in each
}

// Ranks 1, 2 and 4 of five meet; all ranks learn what they found.
TEST(MeasureLinks, TellsEveryRankOfEachPair) {
  collectives::run_on_threads(5, [](collectives::Communicator& comm) {
    const std::vector<Link> links = measure_links(comm, {1, 2, 4});
    ASSERT_EQ(links.size(), 3u);
    const std::pair<int, int> expected[] = {{1, 2}, {1, 4}, {2, 4}};
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(std::pair(links[i].first, links[i].second), expected[i]);
      EXPECT_GT(links[i].latency_seconds, 0.0);
      EXPECT_GT(links[i].bytes_per_second_out, 0.0);
      EXPECT_GT(links[i].bytes_per_second_back, 0.0);
    }
  });
}

TEST(MeasureLinks, FindsNoneWhereOneIsAlone) {
  const auto comm = collectives::make_single();
  EXPECT_TRUE(measure_links(*comm, {0}).empty());
}

}  // namespace
}  // namespace sterna::doctor
