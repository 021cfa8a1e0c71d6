#include "runtime/collectives/subset.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// The same blocks, with the peers' ranks in the whole.
template <typename Block>
std::vector<Block> in_whole(std::span<const Block> blocks, const std::vector<int>& members) {
  std::vector<Block> mapped(blocks.begin(), blocks.end());
  for (Block& block : mapped) block.peer = members[static_cast<std::size_t>(block.peer)];
  return mapped;
}

}  // namespace

SubsetCommunicator::SubsetCommunicator(Communicator& whole, std::vector<int> members)
    : whole_(whole), members_(std::move(members)) {
  rank_ = static_cast<int>(std::ranges::find(members_, whole.rank()) - members_.begin());
  STERNA_CHECK(rank_ < ranks());
}

std::unique_ptr<Transfer> SubsetCommunicator::start_blocks(std::span<const SendBlock> sends,
                                                           std::span<const ReceiveBlock> receives) {
  return whole_.start(in_whole(sends, members_), in_whole(receives, members_));
}

void SubsetCommunicator::sum_in_any_order(std::span<float>) {
  throw InternalError("[collectives] the library's all-reduce over a part of the ranks");
}

}  // namespace sterna::collectives
