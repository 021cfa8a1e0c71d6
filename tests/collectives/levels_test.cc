// Collectives on two levels against those on one, and what hosts hand to the network. H hosts of m ranks
// each.
#include "runtime/collectives/levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"

namespace sterna::collectives {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

struct Layout {
  int hosts;
  int ranks_per_host;
};

void PrintTo(const Layout& layout, std::ostream* out) {
  *out << layout.hosts << " hosts of " << layout.ranks_per_host;
}

class TwoLevels : public testing::TestWithParam<Layout> {
 protected:
  static void on_all_ranks(const std::function<void(Communicator&, Levels&)>& body) {
    const auto [hosts, ranks_per_host] = GetParam();
    run_on_threads(
        hosts * ranks_per_host,
        [&, m = ranks_per_host](Communicator& comm) {
          std::vector<int> host_of_rank;
          for (int rank = 0; rank < comm.ranks(); ++rank) host_of_rank.push_back(10 - rank / m);
          comm.set_hosts(host_of_rank);
          Levels levels = Levels::two(comm);
          body(comm, levels);
        },
        std::chrono::seconds(120));
  }
};

constexpr int kToAll = 99;  // in the place of a receiver, for bytes that all receive

TEST_P(TwoLevels, KnowTheirShape) {
  on_all_ranks([](Communicator& comm, Levels& levels) {
    EXPECT_TRUE(levels.are_two());
    EXPECT_EQ(levels.hosts(), GetParam().hosts);
    EXPECT_EQ(levels.ranks_per_host(), GetParam().ranks_per_host);
    EXPECT_EQ(levels.is_speaker(), comm.rank() % GetParam().ranks_per_host == 0);
  });
}

TEST_P(TwoLevels, BroadcastBringsTheBytesOfEveryRoot) {
  on_all_ranks([](Communicator& comm, Levels& levels) {
    for (int root = 0; root < comm.ranks(); ++root) {
      for (const std::size_t bytes : kBlockBytes) {
        std::vector<std::byte> block = block_between(comm.rank(), kToAll, 0, bytes);
        levels.broadcast(root, block);
        EXPECT_EQ(block, block_between(root, kToAll, 0, bytes))
            << "root " << root << ", " << bytes << " bytes";
      }
    }
  });
}

// Values that no other order of additions sums to the same bits.
std::vector<float> values_of(int rank, std::size_t n) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = random_normal({.seed = 5, .learner = static_cast<std::uint32_t>(rank)}, i);
  }
  return values;
}

// The tree over hosts continues the tree over a host's ranks where these are a power of two, or all.
bool keeps_the_order() {
  const Layout layout = TwoLevels::GetParam();
  return layout.hosts == 1 || std::has_single_bit(static_cast<unsigned>(layout.ranks_per_host));
}

// One value, less than a piece, and three pieces of which the last is short.
constexpr std::size_t kSummedValues[] = {1, 1001, 2 * kPieceValues + 7};

TEST_P(TwoLevels, SumHasTheBitsOfOneLevel) {
  if (!keeps_the_order()) return;
  on_all_ranks([](Communicator& comm, Levels& levels) {
    for (const std::size_t n : kSummedValues) {
      for (const auto format : {numerics::ValueFormat::kFloat32, numerics::ValueFormat::kFloat16}) {
        OrderedSumOptions options;
        options.from_owner = format;
        options.finish = [](std::span<float> segment) {
          for (float& value : segment) value /= 3.0f;
        };
        std::vector<float> flat = values_of(comm.rank(), n);
        std::vector<float> two = flat;
        ordered_sum(comm, flat, options);
        levels.ordered_sum(two, options);
        const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
        EXPECT_TRUE(std::ranges::equal(two, flat, {}, bits, bits)) << n << " values";
      }
    }
  });
}

// A speaker sends (H - 1) / H of the values to owners, and as many sums back; n is a multiple of H.
TEST_P(TwoLevels, SumHandsTheNetworkAHostsValuesOnce) {
  on_all_ranks([](Communicator& comm, Levels& levels) {
    const auto hosts = static_cast<std::size_t>(levels.hosts());
    const std::size_t n = 600;
    std::vector<float> values = values_of(comm.rank(), n);
    levels.ordered_sum(values, {});
    const std::uint64_t expected = levels.is_speaker() ? 2 * (hosts - 1) * (n / hosts) * 4 : 0;
    EXPECT_EQ(comm.traffic().network_bytes_sent, expected);
    EXPECT_EQ(comm.traffic().network_bytes_received, expected);
  });
}

TEST_P(TwoLevels, SumRefusesAnyOrder) {
  on_all_ranks([](Communicator&, Levels& levels) {
    std::vector<float> values(1);
    OrderedSumOptions options;
    options.in_any_order = true;
    EXPECT_THROW(levels.ordered_sum(values, options), InternalError);
  });
}

// Rank r has 100 r bytes in one round and 7 (P - r) in the next: rank 0 has nothing at first.
std::size_t gathered_bytes(int round, int rank, int ranks) {
  return static_cast<std::size_t>(round % 2 == 0 ? 100 * rank : 7 * (ranks - rank));
}

TEST_P(TwoLevels, UnequalAllGatherPutsBlocksInRankOrder) {
  on_all_ranks([](Communicator& comm, Levels& levels) {
    GatheredBlocks gathered;
    for (int round = 0; round < 4; ++round) {
      const auto bytes_of = [&](int rank) { return gathered_bytes(round, rank, comm.ranks()); };
      levels.all_gather_unequal(
          block_between(comm.rank(), kToAll, static_cast<std::size_t>(round), bytes_of(comm.rank())),
          gathered);
      ASSERT_EQ(gathered.offsets.size(), ranks_of(comm) + 1);
      for (int rank = 0; rank < comm.ranks(); ++rank) {
        const auto expected = block_between(rank, kToAll, static_cast<std::size_t>(round), bytes_of(rank));
        EXPECT_TRUE(std::ranges::equal(gathered.block(rank), expected))
            << "round " << round << ", block " << rank;
      }
    }
  });
}

// To each other host: the length of the host's block, and in it a length and a block for each of its ranks.
TEST_P(TwoLevels, UnequalAllGatherHandsTheNetworkABlockOncePerHost) {
  on_all_ranks([](Communicator& comm, Levels& levels) {
    GatheredBlocks gathered;
    levels.all_gather_unequal(
        block_between(comm.rank(), kToAll, 0, gathered_bytes(0, comm.rank(), comm.ranks())), gathered);
    std::uint64_t expected = 0;
    if (levels.is_speaker()) {
      std::uint64_t block = 8;
      for (int r = comm.rank(); r < comm.rank() + levels.ranks_per_host(); ++r)
        block += 8 + gathered_bytes(0, r, comm.ranks());
      expected = static_cast<std::uint64_t>(levels.hosts() - 1) * block;
    }
    EXPECT_EQ(comm.traffic().network_bytes_sent, expected);
  });
}

// Rank r has 100 r + 7 p bytes for rank p in one round, none for odd ranks in the next.
TEST_P(TwoLevels, UnequalAllToAllTransposesBlocks) {
  on_all_ranks([](Communicator& comm, Levels& levels) {
    GatheredBlocks received;
    for (std::size_t round = 0; round < 4; ++round) {
      const auto bytes_of = [&](int from, int to) {
        return static_cast<std::size_t>(round % 2 == 0 ? 100 * from + 7 * to : 50 * (1 - to % 2));
      };
      std::vector<std::vector<std::byte>> outgoing;
      for (int peer = 0; peer < comm.ranks(); ++peer) {
        outgoing.push_back(block_between(comm.rank(), peer, round, bytes_of(comm.rank(), peer)));
      }
      const std::vector<std::span<const std::byte>> mine(outgoing.begin(), outgoing.end());
      levels.all_to_all_unequal(mine, received);
      ASSERT_EQ(received.offsets.size(), ranks_of(comm) + 1);
      for (int rank = 0; rank < comm.ranks(); ++rank) {
        const auto expected = block_between(rank, comm.rank(), round, bytes_of(rank, comm.rank()));
        EXPECT_TRUE(std::ranges::equal(received.block(rank), expected))
            << "round " << round << ", block " << rank;
      }
    }
  });
}

// Only speakers use the network, whatever travels.
TEST_P(TwoLevels, OtherRanksSendNothingToOtherHosts) {
  on_all_ranks([](Communicator& comm, Levels& levels) {
    std::vector<std::byte> block(10);
    levels.broadcast(comm.ranks() - 1, block);
    const std::vector<std::span<const std::byte>> mine(ranks_of(comm), block);
    GatheredBlocks received;
    levels.all_to_all_unequal(mine, received);
    if (!levels.is_speaker()) {
      EXPECT_EQ(comm.traffic().network_bytes_sent, 0u);
      EXPECT_EQ(comm.traffic().network_bytes_received, 0u);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Layouts, TwoLevels,
                         testing::Values(Layout{1, 1}, Layout{1, 3}, Layout{2, 1}, Layout{2, 2}, Layout{3, 2},
                                         Layout{2, 3}, Layout{2, 4}));

TEST(WhyNotTwoLevels, NamesWhatIsInTheWay) {
  EXPECT_THAT(why_not_two_levels(std::vector<int>{0, 0, 1, 1}), IsEmpty());
  EXPECT_THAT(why_not_two_levels(std::vector<int>{0, 1, 2}), IsEmpty());
  EXPECT_THAT(why_not_two_levels(std::vector<int>{0, 0, 0}), IsEmpty());
  EXPECT_THAT(why_not_two_levels(std::vector<int>{0, 1, 0, 1}),
              AllOf(HasSubstr("rank 2 is on the host of an earlier rank that is not its neighbour"),
                    HasSubstr("try hierarchy = flat, or mpirun --map-by slot")));
  EXPECT_THAT(why_not_two_levels(std::vector<int>{0, 0, 1}), HasSubstr("one host has 2 ranks and another 1"));
}

TEST(Traffic, IsTheNetworksWhereAnotherHostIsAtItsOtherEnd) {
  run_on_threads(3, [](Communicator& comm) {
    const std::byte byte{};
    std::vector<std::byte> all(3);
    all_gather(comm, std::span(&byte, 1), all);  // until hosts are known, each rank has one of its own
    EXPECT_EQ(comm.traffic().network_bytes_sent, 2u);
    EXPECT_EQ(comm.traffic().network_bytes_received, 2u);
    comm.set_hosts(
        std::vector<int>{0, 0, 1});  // and what they have sent each other is no longer the network's
    EXPECT_EQ(comm.traffic().network_bytes_sent, comm.rank() == 2 ? 2u : 1u);
    EXPECT_EQ(comm.traffic().network_bytes_received, comm.rank() == 2 ? 2u : 1u);
    all_gather(comm, std::span(&byte, 1), all);
    EXPECT_EQ(comm.traffic().network_bytes_sent, comm.rank() == 2 ? 4u : 2u);
    EXPECT_EQ(comm.traffic().network_bytes_received, comm.rank() == 2 ? 4u : 2u);
    EXPECT_EQ(comm.traffic().bytes_sent, 4u);
    EXPECT_EQ(comm.traffic().bytes_received, 4u);
  });
}

}  // namespace
}  // namespace sterna::collectives
