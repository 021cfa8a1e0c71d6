// What the back-ends say when a block does not arrive as it should.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include "runtime/core/errors.h"

namespace sterna::collectives {

inline constexpr int kAllRanks = -1;  // the peers of a sum that the library does

// A block that has not left or arrived.
struct AwaitedBlock {
  int peer;  // or kAllRanks
  std::size_t bytes;
  bool is_receive;
};

// "5 bytes from rank 1, 6 bytes to rank 2": what is awaited from a rank, and to it, is added up.
[[nodiscard]] std::string text_of(std::span<const AwaitedBlock> awaited);

// The error of `rank`, whose wait ended with these blocks unfinished.
[[nodiscard]] CommError time_limit_is_over(int rank, std::chrono::milliseconds time_limit,
                                           std::span<const AwaitedBlock> awaited);

// The error of `rank`, whose wait ended because the rank gave up.
[[nodiscard]] CommError abandoned(int rank);

// The error of `rank`, which got a block of `peer` that is not `expected_bytes` long. `got` says how long it
// is.
[[nodiscard]] CommError wrong_length(int rank, int peer, const std::string& got, std::size_t expected_bytes);

}  // namespace sterna::collectives
