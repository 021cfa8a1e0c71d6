// Blocks from rank to rank: what start() and wait() promise.
#include <numeric>

#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"

namespace sterna::collectives {
namespace {

// Sends a block of `bytes_of(from, to)` bytes from every rank to every other in one transfer, and checks what
// came.
void exchange_blocks(Communicator& comm, const std::function<std::size_t(int from, int to)>& bytes_of) {
  std::vector<Block> outgoing, incoming;
  std::vector<SendBlock> sends;
  std::vector<ReceiveBlock> receives;
  for (const int peer : peers_of(comm)) {
    outgoing.emplace_back(block_between(comm.rank(), peer, 0, bytes_of(comm.rank(), peer)));
    incoming.emplace_back(bytes_of(peer, comm.rank()));
    sends.push_back({peer, outgoing.back().span()});
    receives.push_back({peer, incoming.back().span()});
  }
  comm.start(sends, receives)->wait();
  for (std::size_t i = 0; i < receives.size(); ++i) {
    const int peer = receives[i].peer;
    EXPECT_EQ(incoming[i].read(), block_between(peer, comm.rank(), 0, bytes_of(peer, comm.rank())));
  }
}

TEST_P(CommunicatorContract, KnowsItsRankAmongTheRanks) {
  on_all_ranks([](Communicator& comm) {
    EXPECT_GE(comm.ranks(), 1);
    EXPECT_GE(comm.rank(), 0);
    EXPECT_LT(comm.rank(), comm.ranks());
    EXPECT_EQ(comm.name(), GetParam().transport);
  });
}

TEST_P(CommunicatorContract, BringsEveryByteToItsPlaceAndCountsIt) {
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t bytes : kBlockBytes) {
      SCOPED_TRACE(cat("rank ", comm.rank(), ", ", bytes, " bytes"));
      const Traffic before = comm.traffic();
      exchange_blocks(comm, [&](int, int) { return bytes; });
      EXPECT_EQ(traffic_since(before, comm).bytes_sent, (ranks_of(comm) - 1) * bytes);
      EXPECT_EQ(traffic_since(before, comm).bytes_received, (ranks_of(comm) - 1) * bytes);
    }
  });
}

// Ranks with even numbers send nothing, those with odd numbers 100 + from + 10 to bytes.
TEST_P(CommunicatorContract, TakesEmptyBlocksOfSomeRanksAlone) {
  on_all_ranks([](Communicator& comm) {
    const auto bytes_of = [](int from, int to) {
      return from % 2 == 0 ? std::size_t{0} : static_cast<std::size_t>(100 + from + 10 * to);
    };
    std::size_t sent = 0, received = 0;
    for (const int peer : peers_of(comm)) {
      sent += bytes_of(comm.rank(), peer);
      received += bytes_of(peer, comm.rank());
    }
    exchange_blocks(comm, bytes_of);
    EXPECT_EQ(comm.traffic().bytes_sent, sent);
    EXPECT_EQ(comm.traffic().bytes_received, received);
  });
}

TEST_P(CommunicatorContract, KeepsTheOrderOfBlocksBetweenTwoRanks) {
  constexpr std::size_t kBlocks = 20;
  on_all_ranks([](Communicator& comm) {
    const int next = (comm.rank() + 1) % comm.ranks();
    const int previous = (comm.rank() + comm.ranks() - 1) % comm.ranks();
    if (comm.ranks() == 1) return;  // a rank sends nothing to itself
    // Short and long blocks in turn: no block may overtake another because it is shorter.
    const auto bytes_of = [](std::size_t block) {
      return block % 2 == 0 ? std::size_t{200'000} : std::size_t{8};
    };
    std::vector<Block> outgoing, incoming;
    std::vector<SendBlock> sends;
    std::vector<ReceiveBlock> receives;
    for (std::size_t block = 0; block < kBlocks; ++block) {
      outgoing.emplace_back(block_between(comm.rank(), next, block, bytes_of(block)));
      incoming.emplace_back(bytes_of(block));
    }
    for (std::size_t block = 0; block < kBlocks; ++block) {
      sends.push_back({next, outgoing[block].span()});
      receives.push_back({previous, incoming[block].span()});
    }
    comm.start(sends, receives)->wait();
    for (std::size_t block = 0; block < kBlocks; ++block) {
      EXPECT_EQ(incoming[block].read(), block_between(previous, comm.rank(), block, bytes_of(block)))
          << block;
    }
  });
}

// Transfers match in the order in which they start, in whichever order they are waited for.
TEST_P(CommunicatorContract, HasSeveralTransfersUnderWay) {
  constexpr std::size_t kTransfers = 5;
  static constexpr std::size_t kBytes = 70'000;
  on_all_ranks([](Communicator& comm) {
    std::vector<Block> outgoing, incoming;  // transfer by transfer, peer by peer
    const std::vector<int> peers = peers_of(comm);
    for (std::size_t t = 0; t < kTransfers; ++t) {
      for (const int peer : peers) {
        outgoing.emplace_back(block_between(comm.rank(), peer, t, kBytes));
        incoming.emplace_back(kBytes);
      }
    }
    std::vector<std::unique_ptr<Transfer>> transfers;
    for (std::size_t t = 0; t < kTransfers; ++t) {
      std::vector<SendBlock> sends;
      std::vector<ReceiveBlock> receives;
      for (std::size_t i = 0; i < peers.size(); ++i) {
        sends.push_back({peers[i], outgoing[t * peers.size() + i].span()});
        receives.push_back({peers[i], incoming[t * peers.size() + i].span()});
      }
      transfers.push_back(comm.start(sends, receives));
    }
    for (const std::size_t t : {3u, 0u, 4u, 2u, 1u}) {
      transfers[t]->wait();
      for (std::size_t i = 0; i < peers.size(); ++i) {
        EXPECT_EQ(incoming[t * peers.size() + i].read(), block_between(peers[i], comm.rank(), t, kBytes));
      }
    }
  });
}

TEST_P(CommunicatorContract, RefusesPeersThatDoNotExist) {
  on_all_ranks([](Communicator& comm) {
    std::byte byte{};
    for (const int peer : {-1, comm.ranks(), comm.rank()}) {
      const SendBlock send{peer, std::span(&byte, 1)};
      const ReceiveBlock receive{peer, std::span(&byte, 1)};
      EXPECT_THROW((void)comm.start(std::span(&send, 1), {}), InternalError);
      EXPECT_THROW((void)comm.start({}, std::span(&receive, 1)), InternalError);
    }
    EXPECT_EQ(comm.traffic().bytes_sent, 0u);
  });
}

// Value i of rank r is r + i: small integers, whose sum P i + P (P - 1) / 2 is exact in any order.
TEST_P(CommunicatorContract, SumsOverAllRanksWithTheVendorsAllReduce) {
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t n : {0u, 1u, 9u, 1000u}) {
      std::vector<float> mine(n);
      std::iota(mine.begin(), mine.end(), static_cast<float>(comm.rank()));
      const Values<float> all(mine);
      const Traffic before = comm.traffic();
      comm.vendor_sum(all.span());
      const std::vector<float> values = all.read();
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(values[i],
                  static_cast<float>(ranks_of(comm) * i + ranks_of(comm) * (ranks_of(comm) - 1) / 2));
      }
      // 4 n bytes, of which 2 (P - 1) / P travel each way.
      EXPECT_EQ(traffic_since(before, comm).bytes_sent, 2 * (ranks_of(comm) - 1) * 4 * n / ranks_of(comm));
    }
  });
}

TEST_P(CommunicatorContract, KeepsScratchMemoryFromCallToCall) {
  on_all_ranks([](Communicator& comm) {
    const Block block(1);
    Memory& memory = comm.memory_of(block.span().data());
    const std::span<float> first = memory.scratch(1000);
    EXPECT_GE(first.size(), 1000u);
    EXPECT_EQ(memory.scratch(10).data(), first.data());
    EXPECT_GE(memory.scratch(100'000).size(), 100'000u);
  });
}

}  // namespace
}  // namespace sterna::collectives
