#include "runtime/collectives/on_host.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "runtime/collectives/ordered_sum.h"

namespace sterna::collectives {
namespace {

std::size_t pieces_of(std::span<const float> values) {
  return (values.size() + kPieceValues - 1) / kPieceValues;
}

template <typename Value>
std::span<Value> piece_of(std::span<Value> values, std::size_t piece) {
  const std::size_t begin = piece * kPieceValues;
  return values.subspan(begin, std::min(kPieceValues, values.size() - begin));
}

// values += those of `child`, each piece as soon as it is there.
void add_from(Communicator& comm, int child, std::span<float> values) {
  Memory& memory = comm.memory_of(values.data());
  const std::span<float> incoming = memory.scratch(values.size()).first(values.size());
  std::vector<std::unique_ptr<Transfer>> transfers;
  for (std::size_t piece = 0; piece < pieces_of(values); ++piece) {
    const ReceiveBlock block{child, std::as_writable_bytes(piece_of(incoming, piece))};
    transfers.push_back(comm.start({}, std::span(&block, 1)));
  }
  for (std::size_t piece = 0; piece < transfers.size(); ++piece) {
    transfers[piece]->wait_in_order();
    // The other one of two operands, wherever its rank's place is.
    const TreeOperands operands{
        .of_ranks = piece_of(incoming, piece).data(), .stride = 0, .ranks = 2, .own_rank = 0};
    memory.add_in_tree_order(operands, piece_of(values, piece));
  }
}

void send_pieces(Communicator& comm, int parent, std::span<const float> values) {
  std::vector<std::unique_ptr<Transfer>> transfers;
  for (std::size_t piece = 0; piece < pieces_of(values); ++piece) {
    const SendBlock block{parent, std::as_bytes(piece_of(values, piece))};
    transfers.push_back(comm.start(std::span(&block, 1), {}));
  }
  for (const std::unique_ptr<Transfer>& transfer : transfers) transfer->wait_in_order();
}

}  // namespace

// A binomial tree, the nearest ranks first: rank r adds the sums of [r + bit, r + 2 bit) for each bit below
// its lowest one. That is for_each_tree_addition's order, for any number of ranks.
void sum_to_first(Communicator& comm, std::span<float> values) {
  for (int bit = 1; bit < comm.ranks(); bit *= 2) {
    if ((comm.rank() & bit) != 0) {
      send_pieces(comm, comm.rank() - bit, values);
      return;
    }
    if (comm.rank() + bit < comm.ranks()) add_from(comm, comm.rank() + bit, values);
  }
}

void gather_to_first(Communicator& comm, std::span<const std::byte> mine, GatheredBlocks& gathered) {
  static_assert(sizeof(std::size_t) == 8);  // lengths are received in place
  if (comm.rank() != 0) {
    const std::size_t length = mine.size();
    const std::array<SendBlock, 2> blocks = {SendBlock{0, std::as_bytes(std::span(&length, 1))},
                                             SendBlock{0, mine}};
    comm.start(blocks, {})->wait();
    return;
  }
  const auto p = static_cast<std::size_t>(comm.ranks());
  gathered.offsets.assign(p + 1, 0);
  gathered.offsets[1] = mine.size();
  std::vector<ReceiveBlock> receives;
  for (std::size_t rank = 1; rank < p; ++rank) {
    receives.push_back(
        {static_cast<int>(rank), std::as_writable_bytes(std::span(gathered.offsets).subspan(rank + 1, 1))});
  }
  comm.start({}, receives)->wait();
  for (std::size_t rank = 0; rank < p; ++rank) gathered.offsets[rank + 1] += gathered.offsets[rank];
  gathered.bytes.resize(gathered.offsets[p]);
  if (!mine.empty()) std::memcpy(gathered.bytes.data(), mine.data(), mine.size());
  for (ReceiveBlock& block : receives) {
    const auto rank = static_cast<std::size_t>(block.peer);
    block.bytes = std::span(gathered.bytes)
                      .subspan(gathered.offsets[rank], gathered.offsets[rank + 1] - gathered.offsets[rank]);
  }
  comm.start({}, receives)->wait();
}

void scatter_from_first(Communicator& comm, std::span<const std::vector<std::byte>> blocks,
                        std::vector<std::byte>& mine) {
  std::size_t length = 0;
  if (comm.rank() != 0) {
    receive_block(comm, 0, std::as_writable_bytes(std::span(&length, 1)));
    mine.resize(length);
    receive_block(comm, 0, mine);
    return;
  }
  std::vector<std::size_t> lengths;
  for (const std::vector<std::byte>& block : blocks) lengths.push_back(block.size());
  std::vector<SendBlock> sends;
  for (std::size_t rank = 1; rank < blocks.size(); ++rank) {
    sends.push_back({static_cast<int>(rank), std::as_bytes(std::span(lengths).subspan(rank, 1))});
    sends.push_back({static_cast<int>(rank), blocks[rank]});
  }
  mine = blocks[0];
  comm.start(sends, {})->wait();
}

}  // namespace sterna::collectives
