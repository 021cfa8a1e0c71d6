#include "runtime/collectives/communicator.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// Checks the peers and returns the sum of the lengths.
template <typename Block>
std::uint64_t checked_bytes(const Communicator& comm, std::span<const Block> blocks) {
  std::uint64_t bytes = 0;
  for (const Block& block : blocks) {
    STERNA_CHECK(block.peer >= 0);
    STERNA_CHECK(block.peer < comm.ranks());
    STERNA_CHECK(block.peer != comm.rank());
    bytes += block.bytes.size();
  }
  return bytes;
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

std::unique_ptr<Transfer> Communicator::start(std::span<const SendBlock> sends,
                                              std::span<const ReceiveBlock> receives) {
  traffic_.bytes_sent += checked_bytes(*this, sends);
  traffic_.bytes_received += checked_bytes(*this, receives);
  return start_blocks(without_empty(sends), without_empty(receives));
}

void Communicator::vendor_sum(std::span<float> values) {
  const auto p = static_cast<std::uint64_t>(ranks());
  const std::uint64_t bytes = 2 * (p - 1) * values.size_bytes() / p;
  traffic_.bytes_sent += bytes;
  traffic_.bytes_received += bytes;
  if (!values.empty()) sum_in_any_order(values);
}

std::span<float> Communicator::scratch(std::size_t values) {
  if (scratch_.size() < values) scratch_.resize(values);
  return scratch_;
}

}  // namespace sterna::collectives
