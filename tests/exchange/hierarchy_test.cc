// The exchange where ranks of a host work together first: the same bits, fewer bytes between hosts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"
#include "tests/exchange/run_exchange.h"

namespace sterna::exchange {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::size_t kOneBucket = 1u << 20;

Outcome run(std::string_view compressor, Hierarchy hierarchy, std::uint32_t learners, int ranks,
            int ranks_per_host) {
  ExchangeOptions options = options_for(compressor, learners);
  options.hierarchy = hierarchy;
  return run_with(options, ranks, /*steps=*/6, kOneBucket, /*scale=*/1.0f, ranks_per_host);
}

class OnHosts : public testing::TestWithParam<std::string> {};

TEST_P(OnHosts, GivesTheBitsOfOneLevel) {
  const Outcome flat = run(GetParam(), Hierarchy::kFlat, /*learners=*/8, /*ranks=*/8, /*ranks_per_host=*/1);
  for (const int ranks_per_host : {1, 2, 4, 8}) {
    const Outcome host = run(GetParam(), Hierarchy::kHost, 8, 8, ranks_per_host);
    EXPECT_EQ(host.means, flat.means) << ranks_per_host << " ranks a host";
    EXPECT_EQ(host.payload_bytes, flat.payload_bytes) << ranks_per_host << " ranks a host";
  }
}

TEST_P(OnHosts, GivesTheBitsOfOneLevelWithSeveralLearnersARank) {
  EXPECT_EQ(run(GetParam(), Hierarchy::kHost, /*learners=*/8, /*ranks=*/4, /*ranks_per_host=*/2).means,
            run(GetParam(), Hierarchy::kFlat, 8, 4, 1).means);
}

// Three learners are no complete part of a tree over six; but three on one host are the tree.
TEST_P(OnHosts, GivesTheBitsOfOneLevelWithThreeRanksOnOneHost) {
  EXPECT_EQ(run(GetParam(), Hierarchy::kHost, 3, 3, 3).means,
            run(GetParam(), Hierarchy::kFlat, 3, 3, 1).means);
}

TEST_P(OnHosts, HandsLessToTheNetwork) {
  const Outcome flat = run(GetParam(), Hierarchy::kFlat, 8, 8, 4);
  const Outcome host = run(GetParam(), Hierarchy::kHost, 8, 8, 4);
  EXPECT_LT(host.network_bytes_sent, flat.network_bytes_sent);
}

TEST_P(OnHosts, SaysOfEachByteThatItSendsWhatItIs) {
  const Outcome host = run(GetParam(), Hierarchy::kHost, 8, 8, 4);
  EXPECT_EQ(host.sent.total(), host.bytes_sent);
}

INSTANTIATE_TEST_SUITE_P(Registered, OnHosts, testing::ValuesIn(ways_to_travel()),
                         [](const auto& test) { return test.param; });

// 1344 values: each of two speakers sends half of them to the other, and half of the sums back.
TEST(Hierarchy, SumsOnHostsBeforeOneRankOfEachSpeaks) {
  EXPECT_EQ(run("none", Hierarchy::kHost, 4, 4, 2).network_bytes_sent, 6u * 2 * 2 * (1344 / 2) * 4);
}

// Four ranks in the tree exchange flat: each owns a quarter, and sends and receives a quarter from both ranks
// of the other host.
TEST(Hierarchy, IsFlatWhereItIsAskedToBe) {
  EXPECT_EQ(run("none", Hierarchy::kFlat, 4, 4, 2).network_bytes_sent, 6u * 4 * 2 * 2 * (1344 / 4) * 4);
}

// topk: what a rank has to say crosses to the other host once, not to each of its ranks.
TEST(Hierarchy, ForwardsOnlyWhatOthersOfTheHostHaveToSay) {
  const Outcome host = run("topk", Hierarchy::kHost, 4, 4, 2);
  EXPECT_GT(host.sent.forwarded, 0u);
  EXPECT_EQ(run("topk", Hierarchy::kFlat, 4, 4, 2).sent.forwarded, 0u);
  EXPECT_EQ(run("none", Hierarchy::kHost, 4, 4, 2).sent.forwarded, 0u);
}

bool is_on_two_levels(const ExchangeOptions& options, int ranks, const std::vector<int>& host_of_rank) {
  bool is_on_two = false;
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    comm.set_hosts(host_of_rank);
    const tensor::ParameterTable table = small_network();
    const GradientExchange exchange(comm, table, options);
    if (comm.rank() == 0) is_on_two = exchange.is_on_two_levels();
  });
  return is_on_two;
}

TEST(Hierarchy, AutoTakesTwoLevelsWhereSeveralHostsHaveSeveralRanks) {
  const ExchangeOptions options = options_for("none", 4);
  EXPECT_TRUE(is_on_two_levels(options, 4, {0, 0, 1, 1}));
  EXPECT_FALSE(is_on_two_levels(options, 4, {0, 0, 0, 0}));
  EXPECT_FALSE(is_on_two_levels(options, 4, {0, 1, 2, 3}));
  EXPECT_FALSE(is_on_two_levels(options, 4, {0, 1, 0, 1}));
  EXPECT_FALSE(is_on_two_levels(options, 4, {0, 0, 0, 1}));
}

TEST(Hierarchy, AutoIsFlatWhereBitsWouldChange) {
  EXPECT_FALSE(is_on_two_levels(options_for("none", 6), 6, {0, 0, 0, 1, 1, 1}));
  ExchangeOptions any = options_for("none", 4);
  any.sum_in_any_order = true;
  EXPECT_FALSE(is_on_two_levels(any, 4, {0, 0, 1, 1}));
}

TEST(Hierarchy, HostRefusesWhatCannotBe) {
  ExchangeOptions options = options_for("none", 6);
  options.hierarchy = Hierarchy::kHost;
  EXPECT_THAT(
      [&] {
        (void)is_on_two_levels(options, 6, {0, 0, 0, 1, 1, 1});
      },
      ThrowsMessage<ConfigError>(
          HasSubstr("hierarchy = host: 3 learners on each of 2 hosts: no power of two")));
  EXPECT_THAT(
      [&] {
        (void)is_on_two_levels(options, 6, {0, 0, 0, 0, 1, 1});
      },
      ThrowsMessage<ConfigError>(HasSubstr("one host has 4 ranks and another 2")));
  options.sum_in_any_order = true;
  EXPECT_THAT(
      [&] {
        (void)is_on_two_levels(options, 6, {0, 0, 0, 1, 1, 1});
      },
      ThrowsMessage<ConfigError>(HasSubstr("try sum-order = tree")));
}

}  // namespace
}  // namespace sterna::exchange
