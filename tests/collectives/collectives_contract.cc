// Collectives, on every back-end: what arrives, and how many bytes that took.
#include <algorithm>
#include <bit>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"

namespace sterna::collectives {
namespace {

// What came from all ranks, in memory that was made when its length was known.
struct Received {
  Block bytes;
  std::vector<std::size_t> offsets;

  [[nodiscard]] RoomFor room() {
    return [this](std::size_t length) {
      bytes = Block(length);
      return bytes.span();
    };
  }
  [[nodiscard]] std::vector<std::byte> block(int rank) const {
    const auto r = static_cast<std::size_t>(rank);
    return Block::read(bytes.span().subspan(offsets[r], offsets[r + 1] - offsets[r]));
  }
};

constexpr int kToAll = 99;  // in the place of a receiver, for bytes that all receive

std::uint64_t ceil_log2(std::size_t n) {
  return static_cast<std::uint64_t>(std::bit_width(n - 1));
}

TEST_P(CommunicatorContract, BarrierSendsAByteInEachOfItsRounds) {
  on_all_ranks([](Communicator& comm) {
    barrier(comm);
    EXPECT_EQ(comm.traffic().bytes_sent, ceil_log2(ranks_of(comm)));
    EXPECT_EQ(comm.traffic().bytes_received, ceil_log2(ranks_of(comm)));
  });
}

TEST_P(CommunicatorContract, BroadcastBringsTheBytesOfEveryRoot) {
  on_all_ranks([](Communicator& comm) {
    for (int root = 0; root < comm.ranks(); ++root) {
      for (const std::size_t bytes : kBlockBytes) {
        SCOPED_TRACE(cat("rank ", comm.rank(), ", root ", root, ", ", bytes, " bytes"));
        const Block block(block_between(comm.rank(), kToAll, 0, bytes));
        const Traffic before = comm.traffic();
        broadcast(comm, root, block.span());
        EXPECT_EQ(block.read(), block_between(root, kToAll, 0, bytes));
        EXPECT_EQ(traffic_since(before, comm).bytes_received, comm.rank() == root ? 0 : bytes);
      }
    }
  });
}

// The root sends to ceil(log2 P) ranks; all ranks together send P - 1 blocks.
TEST_P(CommunicatorContract, BroadcastGoesDownABinomialTree) {
  on_all_ranks([](Communicator& comm) {
    const int root = comm.ranks() - 1;
    const Block block(100);
    broadcast(comm, root, block.span());
    const std::uint64_t blocks_sent = comm.traffic().bytes_sent / 100;
    if (comm.rank() == root) {
      EXPECT_EQ(blocks_sent, ceil_log2(ranks_of(comm)));
    }

    std::uint64_t sum = 0;
    for (const std::uint64_t blocks : all_gather_value(comm, blocks_sent)) sum += blocks;
    EXPECT_EQ(sum, ranks_of(comm) - 1);
  });
}

TEST_P(CommunicatorContract, AllGatherPutsBlocksInRankOrder) {
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t bytes : kBlockBytes) {
      SCOPED_TRACE(cat("rank ", comm.rank(), ", ", bytes, " bytes"));
      const Block mine(block_between(comm.rank(), kToAll, 0, bytes));
      const Block gathered(ranks_of(comm) * bytes);
      const Traffic before = comm.traffic();
      all_gather(comm, mine.span(), gathered.span());
      const std::vector<std::byte> all = gathered.read();
      for (int rank = 0; rank < comm.ranks(); ++rank) {
        const auto block = std::span(all).subspan(static_cast<std::size_t>(rank) * bytes, bytes);
        EXPECT_TRUE(std::ranges::equal(block, block_between(rank, kToAll, 0, bytes))) << "block " << rank;
      }
      EXPECT_EQ(traffic_since(before, comm).bytes_sent, (ranks_of(comm) - 1) * bytes);
      EXPECT_EQ(traffic_since(before, comm).bytes_received, (ranks_of(comm) - 1) * bytes);
    }
  });
}

TEST_P(CommunicatorContract, AllGatherTakesABlockThatLiesInItsPlace) {
  on_all_ranks([](Communicator& comm) {
    std::vector<std::byte> all(ranks_of(comm), std::byte{0});
    all[rank_of(comm)] = static_cast<std::byte>(comm.rank() + 1);
    const Block gathered(all);
    all_gather(comm, gathered.span().subspan(rank_of(comm), 1), gathered.span());
    all = gathered.read();
    for (std::size_t rank = 0; rank < ranks_of(comm); ++rank)
      EXPECT_EQ(all[rank], static_cast<std::byte>(rank + 1));
  });
}

// Rank r has 100 r + 3 bytes but rank 1, which has none.
TEST_P(CommunicatorContract, AllGatherTakesLengthsThatAllRanksKnow) {
  on_all_ranks([](Communicator& comm) {
    std::vector<std::size_t> offsets = {0};
    for (std::size_t rank = 0; rank < ranks_of(comm); ++rank) {
      offsets.push_back(offsets.back() + (rank == 1 ? 0 : 100 * rank + 3));
    }
    const auto bytes_of = [&](std::size_t rank) { return offsets[rank + 1] - offsets[rank]; };
    const std::size_t my_bytes = bytes_of(rank_of(comm));
    const Block mine(block_between(comm.rank(), kToAll, 0, my_bytes));
    const Block gathered(offsets.back());
    const Traffic before = comm.traffic();
    all_gather_known(comm, mine.span(), gathered.span(), offsets);
    const std::vector<std::byte> all = gathered.read();
    for (int rank = 0; rank < comm.ranks(); ++rank) {
      const auto r = static_cast<std::size_t>(rank);
      const auto block = std::span(all).subspan(offsets[r], bytes_of(r));
      EXPECT_TRUE(std::ranges::equal(block, block_between(rank, kToAll, 0, bytes_of(r)))) << "block " << rank;
    }
    EXPECT_EQ(traffic_since(before, comm).bytes_sent, (ranks_of(comm) - 1) * my_bytes);
    EXPECT_EQ(traffic_since(before, comm).bytes_received, offsets.back() - my_bytes);
  });
}

// Rank r contributes 1000 r bytes in one round and 10 (P - r) in the next: rank 0 sends nothing at first, and
// blocks both grow and shrink from round to round.
TEST_P(CommunicatorContract, UnequalAllGatherTakesBlocksOfAnyLengths) {
  on_all_ranks([](Communicator& comm) {
    const auto bytes_of = [&](std::size_t round, int rank) {
      return static_cast<std::size_t>(round % 2 == 0 ? 1000 * rank : 10 * (comm.ranks() - rank));
    };
    Received gathered;
    for (std::size_t round = 0; round < 4; ++round) {
      SCOPED_TRACE(cat("rank ", comm.rank(), ", round ", round));
      const Traffic before = comm.traffic();
      const std::size_t my_bytes = bytes_of(round, comm.rank());
      const Block mine(block_between(comm.rank(), kToAll, round, my_bytes));
      all_gather_unequal(comm, mine.span(), gathered.room(), gathered.offsets);

      std::size_t total_bytes = 0;
      ASSERT_EQ(gathered.offsets.size(), ranks_of(comm) + 1);
      for (int rank = 0; rank < comm.ranks(); ++rank) {
        const auto expected = block_between(rank, kToAll, round, bytes_of(round, rank));
        EXPECT_EQ(gathered.block(rank), expected) << "block " << rank;
        total_bytes += expected.size();
      }
      EXPECT_EQ(gathered.bytes.span().size(), total_bytes);
      EXPECT_EQ(traffic_since(before, comm).bytes_sent, (ranks_of(comm) - 1) * (8 + my_bytes));
      EXPECT_EQ(traffic_since(before, comm).bytes_received,
                (ranks_of(comm) - 1) * 8 + total_bytes - my_bytes);
    }
  });
}

// Whatever memory the back-end has for blocks: texts, lengths and losses lie in the host's.
TEST_P(CommunicatorContract, UnequalBlocksOfTheHostArrive) {
  on_all_ranks([](Communicator& comm) {
    const auto block_of = [](int rank) {
      return block_between(rank, kToAll, 0, static_cast<std::size_t>(rank) * 3000);
    };
    const std::vector<std::byte> block = block_of(comm.rank());
    GatheredBlocks gathered, received;
    all_gather_unequal(comm, block, gathered);
    all_to_all_unequal(comm, std::vector(ranks_of(comm), std::span<const std::byte>(block)), received);
    for (int rank = 0; rank < comm.ranks(); ++rank) {
      EXPECT_TRUE(std::ranges::equal(gathered.block(rank), block_of(rank))) << "block " << rank;
      EXPECT_TRUE(std::ranges::equal(received.block(rank), block_of(rank))) << "block " << rank;
    }
  });
}

TEST_P(CommunicatorContract, UnequalAllGatherTakesNothingFromAnyone) {
  on_all_ranks([](Communicator& comm) {
    GatheredBlocks gathered;
    all_gather_unequal(comm, {}, gathered);
    EXPECT_TRUE(gathered.bytes.empty());
    EXPECT_EQ(gathered.offsets, std::vector<std::size_t>(ranks_of(comm) + 1, 0));
  });
}

TEST_P(CommunicatorContract, UnequalAllGatherReusesItsMemory) {
  on_all_ranks([](Communicator& comm) {
    GatheredBlocks gathered;
    all_gather_unequal(comm, block_between(comm.rank(), kToAll, 0, 500), gathered);
    const std::byte* const bytes = gathered.bytes.data();
    const std::size_t* const offsets = gathered.offsets.data();
    all_gather_unequal(comm, block_between(comm.rank(), kToAll, 1, 400), gathered);
    EXPECT_EQ(gathered.bytes.data(), bytes);
    EXPECT_EQ(gathered.offsets.data(), offsets);
  });
}

// Rank r has 100 r + 7 p bytes for rank p in one round, none for odd ranks in the next.
TEST_P(CommunicatorContract, UnequalAllToAllTransposesBlocksOfAnyLengths) {
  on_all_ranks([](Communicator& comm) {
    const auto bytes_of = [](std::size_t round, int from, int to) {
      return static_cast<std::size_t>(round % 2 == 0 ? 100 * from + 7 * to : 50 * (1 - to % 2));
    };
    Received received;
    for (std::size_t round = 0; round < 4; ++round) {
      SCOPED_TRACE(cat("rank ", comm.rank(), ", round ", round));
      std::vector<Block> outgoing;
      std::vector<std::span<const std::byte>> mine;
      std::size_t sent = 0, came = 0;
      for (int peer = 0; peer < comm.ranks(); ++peer) {
        outgoing.emplace_back(block_between(comm.rank(), peer, round, bytes_of(round, comm.rank(), peer)));
        mine.push_back(outgoing.back().span());
        if (peer == comm.rank()) continue;
        sent += 8 + bytes_of(round, comm.rank(), peer);
        came += 8 + bytes_of(round, peer, comm.rank());
      }
      const Traffic before = comm.traffic();
      all_to_all_unequal(comm, mine, received.room(), received.offsets);
      for (int rank = 0; rank < comm.ranks(); ++rank) {
        const auto expected = block_between(rank, comm.rank(), round, bytes_of(round, rank, comm.rank()));
        EXPECT_EQ(received.block(rank), expected) << "block " << rank;
      }
      EXPECT_EQ(traffic_since(before, comm).bytes_sent, sent);
      EXPECT_EQ(traffic_since(before, comm).bytes_received, came);
    }
  });
}

TEST_P(CommunicatorContract, UnequalAllToAllChecksThatThereIsABlockForEveryRank) {
  on_all_ranks([](Communicator& comm) {
    GatheredBlocks received;
    EXPECT_THROW(all_to_all_unequal(comm, {}, received), InternalError);
  });
}

TEST_P(CommunicatorContract, AllToAllTransposesBlocks) {
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t bytes : kBlockBytes) {
      SCOPED_TRACE(cat("rank ", comm.rank(), ", ", bytes, " bytes"));
      std::vector<std::byte> mine, expected;
      for (int peer = 0; peer < comm.ranks(); ++peer) {
        const auto to_peer = block_between(comm.rank(), peer, 0, bytes);
        const auto from_peer = block_between(peer, comm.rank(), 0, bytes);
        mine.insert(mine.end(), to_peer.begin(), to_peer.end());
        expected.insert(expected.end(), from_peer.begin(), from_peer.end());
      }
      const Block outgoing(mine), incoming(mine.size());
      const Traffic before = comm.traffic();
      all_to_all(comm, outgoing.span(), incoming.span());
      EXPECT_EQ(incoming.read(), expected);
      EXPECT_EQ(traffic_since(before, comm).bytes_sent, (ranks_of(comm) - 1) * bytes);
    }
  });
}

TEST_P(CommunicatorContract, AllGatherTextReturnsTextsInRankOrder) {
  on_all_ranks([](Communicator& comm) {
    const auto text_of = [](int rank) {
      return std::string(static_cast<std::size_t>(rank), 'x') + cat(rank);
    };
    const std::vector<std::string> texts = all_gather_text(comm, text_of(comm.rank()));
    ASSERT_EQ(texts.size(), ranks_of(comm));
    for (int rank = 0; rank < comm.ranks(); ++rank)
      EXPECT_EQ(texts[static_cast<std::size_t>(rank)], text_of(rank));
  });
}

TEST_P(CommunicatorContract, CollectivesRefuseBuffersOfTheWrongLength) {
  on_all_ranks([](Communicator& comm) {
    std::vector<std::byte> mine(ranks_of(comm)), all(ranks_of(comm) + 1);
    EXPECT_THROW(all_gather(comm, std::span(mine).first(1), all), InternalError);
    EXPECT_THROW(all_to_all(comm, mine, all), InternalError);
    EXPECT_THROW(broadcast(comm, comm.ranks(), mine), InternalError);
    EXPECT_THROW(broadcast(comm, -1, mine), InternalError);
  });
}

TEST_P(CommunicatorContract, AllToAllRefusesBlocksThatDoNotDivide) {
  on_all_ranks([](Communicator& comm) {
    if (comm.ranks() == 1) return;  // every length divides by one
    std::vector<std::byte> mine(ranks_of(comm) + 1), all(ranks_of(comm) + 1);
    EXPECT_THROW(all_to_all(comm, mine, all), InternalError);
  });
}

}  // namespace
}  // namespace sterna::collectives
