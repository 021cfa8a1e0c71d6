// What the links between ranks carry, measured pair by pair.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/collectives/communicator.h"

namespace sterna::doctor {

struct Link {
  int first = 0;  // ranks
  int second = 0;
  double latency_seconds = 0.0;       // one way, of 8 bytes: half of the median round trip
  double bytes_per_second_out = 0.0;  // from `first` to `second`
  double bytes_per_second_back = 0.0;
};

// Who meets whom, so that each two of n meet once and nobody has two at a time: rounds of pairs (a < b).
[[nodiscard]] std::vector<std::vector<std::pair<int, int>>> tournament(int n);

// The link between each two of these ranks, about 0.3 s each; pairs that share no rank at the same time.
// Collective over all ranks of the communicator, every one of which gets all results.
//   ranks  ascending, the same on every rank
[[nodiscard]] std::vector<Link> measure_links(collectives::Communicator& comm, const std::vector<int>& ranks);

}  // namespace sterna::doctor
