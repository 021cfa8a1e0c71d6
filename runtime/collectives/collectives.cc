#include "runtime/collectives/collectives.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// The peers of a rank, the next one first: so that not all ranks send to rank 0 at once.
std::vector<int> peers_from_next(const Communicator& comm) {
  std::vector<int> peers;
  peers.reserve(static_cast<std::size_t>(comm.ranks()));
  for (int i = 1; i < comm.ranks(); ++i) peers.push_back((comm.rank() + i) % comm.ranks());
  return peers;
}

// block_for(peer) to every peer, and block_of(peer) from each.
template <typename BlockFor, typename BlockOf>
void send_to_each(Communicator& comm, const BlockFor& block_for, const BlockOf& block_of) {
  std::vector<SendBlock> sends;
  std::vector<ReceiveBlock> receives;
  for (const int peer : peers_from_next(comm)) {
    sends.push_back({peer, block_for(peer)});
    receives.push_back({peer, block_of(peer)});
  }
  comm.start(sends, receives)->wait_in_order();
}

// `mine` to every peer, and block_of(peer) from each.
template <typename BlockOf>
void send_to_all(Communicator& comm, std::span<const std::byte> mine, const BlockOf& block_of) {
  send_to_each(
      comm, [mine](int) { return mine; }, block_of);
}

// `mine` may be its own place already.
void copy_block(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> to) {
  if (!mine.empty()) comm.memory_of(to.data()).copy(mine, to);
}

// The length of block_for(rank) to each rank, which becomes offsets[rank + 1] there.
template <typename BlockFor>
void send_lengths(Communicator& comm, const BlockFor& block_for, std::vector<std::size_t>& offsets) {
  static_assert(sizeof(std::size_t) == 8);  // lengths are received in place, 8 bytes each
  const auto p = static_cast<std::size_t>(comm.ranks());
  std::vector<std::size_t> lengths(p);
  for (std::size_t r = 0; r < p; ++r) lengths[r] = block_for(static_cast<int>(r)).size();

  offsets.assign(p + 1, 0);
  offsets[static_cast<std::size_t>(comm.rank()) + 1] = lengths[static_cast<std::size_t>(comm.rank())];
  const auto length_for = [&](int rank) {
    return std::as_bytes(std::span(lengths).subspan(static_cast<std::size_t>(rank), 1));
  };
  const auto length_of = [&](int rank) {
    return std::as_writable_bytes(std::span(offsets).subspan(static_cast<std::size_t>(rank) + 1, 1));
  };
  send_to_each(comm, length_for, length_of);
}

// The length of block_for(rank) to each rank, then the block.
template <typename BlockFor>
void send_unequal(Communicator& comm, const BlockFor& block_for, const RoomFor& room_for,
                  std::vector<std::size_t>& offsets) {
  send_lengths(comm, block_for, offsets);
  const auto p = static_cast<std::size_t>(comm.ranks());
  for (std::size_t r = 0; r < p; ++r) offsets[r + 1] += offsets[r];

  const std::span<std::byte> received = room_for(offsets[p]);
  STERNA_CHECK(received.size() == offsets[p]);
  const auto block_of = [&](int rank) {
    const auto r = static_cast<std::size_t>(rank);
    return received.subspan(offsets[r], offsets[r + 1] - offsets[r]);
  };
  copy_block(comm, block_for(comm.rank()), block_of(comm.rank()));
  send_to_each(comm, block_for, block_of);
}

RoomFor room_in(GatheredBlocks& gathered) {
  return [&gathered](std::size_t bytes) {
    gathered.bytes.resize(bytes);
    return std::span(gathered.bytes);
  };
}

}  // namespace

void send_block(Communicator& comm, int peer, std::span<const std::byte> bytes) {
  const SendBlock block{peer, bytes};
  comm.start(std::span(&block, 1), {})->wait();
}

void receive_block(Communicator& comm, int peer, std::span<std::byte> bytes) {
  const ReceiveBlock block{peer, bytes};
  comm.start({}, std::span(&block, 1))->wait();
}

// Dissemination: after round k, a rank has heard, directly or not, of the 2^k ranks before it.
void barrier(Communicator& comm) {
  const std::byte sent{};
  std::byte received{};
  for (int distance = 1; distance < comm.ranks(); distance *= 2) {
    const SendBlock send{(comm.rank() + distance) % comm.ranks(), std::span(&sent, 1)};
    const ReceiveBlock receive{(comm.rank() - distance + comm.ranks()) % comm.ranks(),
                               std::span(&received, 1)};
    comm.start(std::span(&send, 1), std::span(&receive, 1))->wait();
  }
}

// Ranks are counted from the root. A rank's parent is itself without its lowest set bit; its children are
// itself plus one bit below that.
void broadcast(Communicator& comm, int root, std::span<std::byte> bytes) {
  STERNA_CHECK(root >= 0);
  STERNA_CHECK(root < comm.ranks());
  const int p = comm.ranks();
  const int from_root = (comm.rank() - root + p) % p;
  const auto rank_at = [&](int distance) { return (root + distance) % p; };
  const int lowest_bit = from_root & -from_root;  // 0 at the root

  if (from_root != 0) {
    const ReceiveBlock receive{rank_at(from_root - lowest_bit), bytes};
    comm.start({}, std::span(&receive, 1))->wait_in_order();
  }
  // The largest subtree first: it has the longest way to go.
  std::vector<SendBlock> sends;
  const auto widest = static_cast<int>(std::bit_ceil(static_cast<unsigned>(p))) / 2;
  for (int bit = from_root == 0 ? widest : lowest_bit / 2; bit > 0; bit /= 2) {
    if (from_root + bit < p) sends.push_back({rank_at(from_root + bit), bytes});
  }
  comm.start(sends, {})->wait_in_order();
}

void all_gather(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all) {
  STERNA_CHECK(all.size() == (mine.size() * static_cast<std::size_t>(comm.ranks())));
  const auto block_of = [&](int rank) {
    return all.subspan(static_cast<std::size_t>(rank) * mine.size(), mine.size());
  };
  copy_block(comm, mine, block_of(comm.rank()));
  send_to_all(comm, mine, block_of);
}

void all_gather_known(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all,
                      std::span<const std::size_t> offsets) {
  STERNA_CHECK(offsets.size() == (static_cast<std::size_t>(comm.ranks()) + 1));
  const auto block_of = [&](int rank) {
    const auto r = static_cast<std::size_t>(rank);
    return all.subspan(offsets[r], offsets[r + 1] - offsets[r]);
  };
  STERNA_CHECK(block_of(comm.rank()).size() == mine.size());
  copy_block(comm, mine, block_of(comm.rank()));
  send_to_all(comm, mine, block_of);
}

void all_gather_unequal(Communicator& comm, std::span<const std::byte> mine, GatheredBlocks& gathered) {
  all_gather_unequal(comm, mine, room_in(gathered), gathered.offsets);
}

void all_gather_unequal(Communicator& comm, std::span<const std::byte> mine, const RoomFor& room_for,
                        std::vector<std::size_t>& offsets) {
  send_unequal(
      comm, [mine](int) { return mine; }, room_for, offsets);
}

void all_to_all_unequal(Communicator& comm, std::span<const std::span<const std::byte>> mine,
                        GatheredBlocks& received) {
  all_to_all_unequal(comm, mine, room_in(received), received.offsets);
}

void all_to_all_unequal(Communicator& comm, std::span<const std::span<const std::byte>> mine,
                        const RoomFor& room_for, std::vector<std::size_t>& offsets) {
  STERNA_CHECK(mine.size() == static_cast<std::size_t>(comm.ranks()));
  send_unequal(
      comm, [mine](int rank) { return mine[static_cast<std::size_t>(rank)]; }, room_for, offsets);
}

void all_to_all(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all) {
  const auto p = static_cast<std::size_t>(comm.ranks());
  STERNA_CHECK(all.size() == mine.size());
  STERNA_CHECK((mine.size() % p) == 0u);
  const std::size_t block_bytes = mine.size() / p;
  const auto begin_of = [&](int rank) { return static_cast<std::size_t>(rank) * block_bytes; };

  copy_block(comm, mine.subspan(begin_of(comm.rank()), block_bytes),
             all.subspan(begin_of(comm.rank()), block_bytes));
  send_to_each(
      comm, [&](int peer) { return mine.subspan(begin_of(peer), block_bytes); },
      [&](int peer) { return all.subspan(begin_of(peer), block_bytes); });
}

std::vector<std::string> all_gather_text(Communicator& comm, const std::string& mine) {
  GatheredBlocks gathered;
  all_gather_unequal(comm, std::as_bytes(std::span(mine)), gathered);
  std::vector<std::string> texts;
  for (int rank = 0; rank < comm.ranks(); ++rank) {
    const auto block = gathered.block(rank);
    std::string& text = texts.emplace_back(block.size(), '\0');
    std::ranges::copy(block, std::as_writable_bytes(std::span(text)).begin());
  }
  return texts;
}

}  // namespace sterna::collectives
