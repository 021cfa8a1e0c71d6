// Collectives on two levels: the ranks of one host first among themselves, through its memory, then one rank
// of each host, its speaker, over the network. Or on one level, where all ranks speak to all.
//
// What arrives is the same, bit for bit; what travels is not. A host hands the network the sum of its ranks
// instead of each rank's values, and receives what all its ranks want once.
//
// Sums and broadcasts take blocks of a device too; the unequal blocks of two levels lie in the host's memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/collectives/collectives.h"
#include "runtime/collectives/communicator.h"
#include "runtime/collectives/ordered_sum.h"
#include "runtime/collectives/subset.h"

namespace sterna::collectives {

// Why these ranks cannot work on two levels, and what to try; empty if they can: each host
// must have equally many ranks, and they must be neighbours.
//   host_of_rank  [P] numbers, equal for ranks of one host
[[nodiscard]] std::string why_not_two_levels(std::span<const int> host_of_rank);

class Levels {
 public:
  // One level.
  explicit Levels(Communicator& all);

  // Two levels; the communicator knows its hosts, and why_not_two_levels() has no objection. All outlive
  // this.
  [[nodiscard]] static Levels two(Communicator& all);

  [[nodiscard]] Communicator& all() const { return *all_; }
  [[nodiscard]] bool are_two() const { return host_ != nullptr; }
  [[nodiscard]] int ranks_per_host() const { return host_ ? host_->ranks() : 1; }
  [[nodiscard]] int hosts() const { return all_->ranks() / ranks_per_host(); }
  // Whether this rank passes on what others of its host have to say.
  [[nodiscard]] bool is_speaker() const { return speakers_ != nullptr; }

  // As the functions of the same names over all ranks; collective. P ranks, m on each of H hosts.

  // Sends to the host's speaker if need be, then n bytes to each of ceil(log2 H) other speakers and ceil(log2
  // m) ranks of the host at most.
  void broadcast(int root, std::span<std::byte> bytes);

  // On two levels `to_owner` and `from_owner` hold between speakers, with float32 where a speaker has a sum
  // of several ranks; within a host values travel as float32. A host hands the network 2 (H - 1) / H of the
  // values. Throws InternalError on two levels if options.in_any_order.
  void ordered_sum(std::span<float> values, const OrderedSumOptions& options);

  // A host hands the network what its ranks have to say, and 8 bytes for the length of each, H - 1 times.
  void all_gather_unequal(std::span<const std::byte> mine, GatheredBlocks& gathered);

  // Blocks between ranks of one host go straight; those for one other host travel as one.
  void all_to_all_unequal(std::span<const std::span<const std::byte>> mine, GatheredBlocks& received);

 private:
  [[nodiscard]] int host_index(int rank) const { return rank / ranks_per_host(); }
  [[nodiscard]] int first_of_host(int host) const { return host * ranks_per_host(); }

  void send_to_hosts(std::span<const std::span<const std::byte>> mine);
  void deal_to_ranks(GatheredBlocks& received);

  Communicator* all_;
  std::unique_ptr<SubsetCommunicator> host_;      // this rank's; its rank 0 is the speaker
  std::unique_ptr<SubsetCommunicator> speakers_;  // on speakers alone

  // Blocks of the ranks of this host, on its speaker; of all hosts; and what leaves.
  GatheredBlocks from_ranks_, from_hosts_, from_own_host_;
  std::vector<std::byte> leaving_;
  std::vector<std::vector<std::byte>> to_hosts_, to_ranks_;  // members all: a transfer that fails leaves them
};

}  // namespace sterna::collectives
