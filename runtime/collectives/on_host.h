// What the ranks of one host do with the first of them, rank 0. P ranks. Internal to the collectives.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/collectives/collectives.h"
#include "runtime/collectives/communicator.h"

namespace sterna::collectives {

// Rank 0's values become the sum over ranks in tree order; those of others are arbitrary afterwards.
// Each other rank sends its values once.
//   values  [n] float32, the same n on every rank
void sum_to_first(Communicator& comm, std::span<float> values);

// Rank 0 receives every rank's block, in rank order; elsewhere `gathered` is left as it is. Each other rank
// sends 8 bytes for the length and its block.
void gather_to_first(Communicator& comm, std::span<const std::byte> mine, GatheredBlocks& gathered);

// Rank r receives blocks[r] of rank 0, of whatever length. Rank 0 sends each 8 bytes and the block.
//   blocks  [P] on rank 0, not looked at elsewhere
void scatter_from_first(Communicator& comm, std::span<const std::vector<std::byte>> blocks,
                        std::vector<std::byte>& mine);

}  // namespace sterna::collectives
