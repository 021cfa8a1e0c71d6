// What all ranks do together, written once over Communicator's blocks. Each is collective, but for the first
// two: every rank calls it, in the same order. P is the number of ranks. The blocks of one call lie in one
// memory. Where that is a device's, a call returns when all is enqueued there, and Memory::settle() waits for
// it; lengths alone, which the host must know, are waited for.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/collectives/communicator.h"

namespace sterna::collectives {

// Between this rank and one peer, which calls the other of the two. Return when the block has left, or
// arrived.
void send_block(Communicator& comm, int peer, std::span<const std::byte> bytes);
void receive_block(Communicator& comm, int peer, std::span<std::byte> bytes);

// Returns when every rank has called it. Sends 2 bytes or less to each of ceil(log2 P) peers.
void barrier(Communicator& comm);

// Every rank's `bytes` become the root's. A binomial tree: ceil(log2 P) rounds, n bytes for each block passed
// on.
//   bytes  equally long on every rank
void broadcast(Communicator& comm, int root, std::span<std::byte> bytes);

// all[r] becomes rank r's block. Sends (P - 1) n bytes.
//   mine  [n] bytes, equally long on every rank
//   all   [P n] bytes
void all_gather(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all);

// As all_gather(), of blocks whose lengths all ranks know. Sends P - 1 times the own block.
//   offsets  [P + 1]; block r becomes all[offsets[r], offsets[r + 1])
void all_gather_known(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all,
                      std::span<const std::size_t> offsets);

// Every rank's value, in rank order. Sends (P - 1) sizeof(Value) bytes.
//   mine  of a type whose bytes are its value
template <typename Value>
[[nodiscard]] std::vector<Value> all_gather_value(Communicator& comm, const Value& mine) {
  static_assert(std::is_trivially_copyable_v<Value>);
  std::vector<Value> all(static_cast<std::size_t>(comm.ranks()));
  all_gather(comm, std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
  return all;
}

// The blocks of all ranks, in rank order, of whatever lengths.
struct GatheredBlocks {
  std::vector<std::byte> bytes;
  std::vector<std::size_t> offsets;  // [P + 1]; block r is bytes[offsets[r], offsets[r + 1])

  [[nodiscard]] std::span<const std::byte> block(int rank) const {
    const auto r = static_cast<std::size_t>(rank);
    return std::span(bytes).subspan(offsets[r], offsets[r + 1] - offsets[r]);
  }
};

// As all_gather(), of blocks that need not be equally long: 8 bytes to each peer for the length, then the
// block. `gathered` is reused from call to call, so that a steady state allocates nothing.
void all_gather_unequal(Communicator& comm, std::span<const std::byte> mine, GatheredBlocks& gathered);

// Block p of `mine` goes to rank p; block p of `all` comes from rank p. Sends (P - 1) n bytes.
//   mine, all  [P n] bytes, block after block
void all_to_all(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all);

// Where blocks go whose length is known only when they come: returns memory for so many bytes, the host's or
// a device's. Called once.
using RoomFor = std::function<std::span<std::byte>(std::size_t bytes)>;

// As above, into memory of the caller's choice.
//   mine     lies in the same memory
//   offsets  [P + 1] as in GatheredBlocks; written
void all_gather_unequal(Communicator& comm, std::span<const std::byte> mine, const RoomFor& room_for,
                        std::vector<std::size_t>& offsets);

// As all_to_all(), of blocks that need not be equally long: 8 bytes to each peer for the length, then its
// block.
//   mine      [P] blocks; mine[p] goes to rank p
//   received  the blocks for this rank, in rank order; reused from call to call
void all_to_all_unequal(Communicator& comm, std::span<const std::span<const std::byte>> mine,
                        GatheredBlocks& received);
void all_to_all_unequal(Communicator& comm, std::span<const std::span<const std::byte>> mine,
                        const RoomFor& room_for, std::vector<std::size_t>& offsets);

// Every rank's text, in rank order. For what is compared or reported once, not for a step.
[[nodiscard]] std::vector<std::string> all_gather_text(Communicator& comm, const std::string& mine);

}  // namespace sterna::collectives
