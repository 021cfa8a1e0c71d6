#include "runtime/collectives/failures.h"

#include <algorithm>
#include <string>
#include <vector>

namespace sterna::collectives {

namespace {

// What is awaited from each rank and to it, in the order in which they come first. Sums stay apart.
std::vector<AwaitedBlock> added_up(std::span<const AwaitedBlock> awaited) {
  std::vector<AwaitedBlock> totals;
  for (const AwaitedBlock& block : awaited) {
    const auto same = std::ranges::find_if(totals, [&](const AwaitedBlock& total) {
      return block.peer != kAllRanks && total.peer == block.peer && total.is_receive == block.is_receive;
    });
    if (same == totals.end()) {
      totals.push_back(block);
    } else {
      same->bytes += block.bytes;
    }
  }
  return totals;
}

}  // namespace

std::string text_of(std::span<const AwaitedBlock> awaited) {
  if (awaited.empty()) return "work on the device";
  std::vector<std::string> blocks;
  for (const AwaitedBlock& block : added_up(awaited)) {
    const bool is_sum = block.peer == kAllRanks;
    blocks.push_back(
        is_sum ? cat("the sum of ", block.bytes, " bytes over all ranks")
               : cat(block.bytes, " bytes ", block.is_receive ? "from" : "to", " rank ", block.peer));
  }
  return joined(blocks, ", ");
}

CommError time_limit_is_over(int rank, std::chrono::milliseconds time_limit,
                             std::span<const AwaitedBlock> awaited) {
  return CommError(cat("[collectives] rank ", rank, ": after ", time_limit.count(),
                       " ms still awaited: ", text_of(awaited),
                       "; see whether those ranks have failed, or raise the time limit if they are slow"));
}

CommError abandoned(int rank) {
  return CommError(cat("[collectives] rank ", rank, ": given up after an error of its own"));
}

CommError wrong_length(int rank, int peer, const std::string& got, std::size_t expected_bytes) {
  return CommError(cat("[collectives] rank ", rank, ": block from rank ", peer, " has ", got,
                       " bytes, expected ", expected_bytes, "; do all ranks run the same config and build?"));
}

}  // namespace sterna::collectives
