#include "runtime/collectives/communicator.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// Checks the peers, and calls each(peer, bytes) for the blocks.
template <typename Block, typename Each>
void for_each_checked(const Communicator& comm, std::span<const Block> blocks, const Each& each) {
  for (const Block& block : blocks) {
    STERNA_CHECK(block.peer >= 0);
    STERNA_CHECK(block.peer < comm.ranks());
    STERNA_CHECK(block.peer != comm.rank());
    each(block.peer, block.bytes.size());
  }
}

template <typename Block>
std::vector<Block> without_empty(std::span<const Block> blocks) {
  std::vector<Block> kept;
  kept.reserve(blocks.size());
  std::ranges::copy_if(blocks, std::back_inserter(kept),
                       [](const Block& block) { return !block.bytes.empty(); });
  return kept;
}

}  // namespace

void Communicator::set_hosts(std::span<const int> host_of_rank) {
  STERNA_CHECK(host_of_rank.size() == static_cast<std::size_t>(ranks()));
  host_of_rank_.assign(host_of_rank.begin(), host_of_rank.end());
  for (const auto& [peer, before] : before_hosts_) {
    if (host_of(peer) != host_of(rank())) continue;
    traffic_.network_bytes_sent -= before.bytes_sent;
    traffic_.network_bytes_received -= before.bytes_received;
  }
  before_hosts_.clear();
}

int Communicator::host_of(int rank) const {
  return host_of_rank_.empty() ? rank : host_of_rank_[static_cast<std::size_t>(rank)];
}

std::vector<int> Communicator::hosts_by_rank() const {
  std::vector<int> hosts;
  for (int rank = 0; rank < ranks(); ++rank) hosts.push_back(host_of(rank));
  return hosts;
}

std::unique_ptr<Transfer> Communicator::start(std::span<const SendBlock> sends,
                                              std::span<const ReceiveBlock> receives) {
  const auto count = [this](std::uint64_t Traffic::*bytes, std::uint64_t Traffic::*network_bytes) {
    return [=, this](int peer, std::uint64_t length) {
      traffic_.*bytes += length;
      if (host_of(peer) != host_of(rank())) traffic_.*network_bytes += length;
      if (host_of_rank_.empty()) before_hosts_[peer].*bytes += length;
    };
  };
  for_each_checked(*this, sends, count(&Traffic::bytes_sent, &Traffic::network_bytes_sent));
  for_each_checked(*this, receives, count(&Traffic::bytes_received, &Traffic::network_bytes_received));
  return start_blocks(without_empty(sends), without_empty(receives));
}

void Communicator::vendor_sum(std::span<float> values) {
  const auto p = static_cast<std::uint64_t>(ranks());
  const std::uint64_t bytes = 2 * (p - 1) * values.size_bytes() / p;
  traffic_.bytes_sent += bytes;
  traffic_.bytes_received += bytes;
  for (int peer = 0; peer < ranks(); ++peer) {
    if (host_of(peer) == host_of(rank())) continue;
    traffic_.network_bytes_sent += bytes;
    traffic_.network_bytes_received += bytes;
    break;
  }
  if (!values.empty()) sum_in_any_order(values);
}

Memory& Communicator::memory_of(const void*) {
  return host_memory_;
}

}  // namespace sterna::collectives
