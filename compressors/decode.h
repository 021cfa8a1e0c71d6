// One learner's payload as a gradient, whatever the compressor's exchange pattern: for tests, benches and
// replay.
#pragma once

#include <cstddef>
#include <span>

#include "compressors/compressor.h"
#include "runtime/core/aligned_vector.h"

namespace sterna::compressors {

// Overwrites `out` [n] with what one payload stands for.
//   indices  kLeaderIndexed: the leader's index section; kSummed: the shared one; else empty
//   scratch  memory for unpacked values, kept from call to call
// Throws WireError if either is malformed; `out` is then unspecified. Reads nothing past their ends.
void decode(const Compressor& compressor, std::span<const std::byte> indices,
            std::span<const std::byte> payload, AlignedVector<float>& scratch, std::span<float> out);

}  // namespace sterna::compressors
