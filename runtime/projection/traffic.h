// What the exchange of a step hands to the transport, from what the learners have to say: the closed forms of
// this runtime's four ways to travel (runtime/README.md) on its collectives (runtime/collectives/README.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sterna::projection {

// What one learner has to say in a step, by the way it travels. Parts that a method does not use are 0.
struct Payload {
  double float32_bytes = 0.0;   // summed, 4 bytes a value; ScaleCom's values among them
  double float16_bytes = 0.0;   // summed, 2 bytes a value
  double index_bytes = 0.0;     // the leader's, for all learners
  double gathered_bytes = 0.0;  // everyone's to everyone
  double gathered_elements = 0.0;

  // --gather sparse-sum: elements that a learner sends to owners.
  double sparse_elements = 0.0;
  double index_bits =
      0.0;  // of an element among all of its layer: log2 n, mean over layers by their elements
  bool sends_signs = false;  // to owners: a scale and a code with a sign each, not a float32 each

  std::size_t compressed_layers = 0;  // each has a section in a message
};

// How a step travels.
struct Layout {
  std::uint32_t ranks = 1;              // P
  std::uint32_t learners_per_rank = 1;  // L / P
  std::size_t buckets = 1;
};

struct Traffic {
  double rounds = 0.0;      // messages that must wait for one another
  double messages = 0.0;    // that one rank sends
  double path_bytes = 0.0;  // that one after the other cross the busiest link
  double sent_bytes = 0.0;  // by one rank, mean over ranks

  Traffic& operator+=(const Traffic& other);
};

// The gradient's exchange. Every bucket is taken to hold some of each part. None of it on one rank.
[[nodiscard]] Traffic gradient_traffic(const Payload& payload, const Layout& layout);

// The learners' losses, 24 bytes each, gathered after it.
[[nodiscard]] Traffic loss_traffic(const Layout& layout);

// payload_bytes of a step's log line: what one learner has to say, its share of the leader's indices
// included.
[[nodiscard]] double payload_bytes(const Payload& payload, double learners);

}  // namespace sterna::projection
