// The mean over learners of arenas that travel as they are: what is no gradient and no codec's business.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/collectives/communicator.h"
#include "runtime/core/aligned_vector.h"

namespace sterna::exchange {

// Returns the mean over all learners, float32, [elements], equal on all ranks and at any number of them.
//   local             one arena for each of this rank's learners, at least one, all equally long
//   learners          L
//   sum_in_any_order  the sum is the library's own all-reduce, whose bits depend on the number of ranks
// Collective. Throws CommError.
[[nodiscard]] AlignedVector<float> mean_over_learners(collectives::Communicator& comm,
                                                      std::span<const AlignedVector<float>> local,
                                                      std::uint32_t learners, bool sum_in_any_order);

}  // namespace sterna::exchange
