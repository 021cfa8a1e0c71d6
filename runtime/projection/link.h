// The time that traffic takes: latency, bytes, and what each message costs besides.
#pragma once

#include <span>

#include "runtime/projection/traffic.h"

namespace sterna::projection {

// rounds x latency + messages x message + path bytes x byte: the alpha-beta model (Hockney, 1994), with the
// cost of a message to either end apart from its way (the o of LogP): a rank that sends to 1,023 others pays
// it 1,023 times.
struct Link {
  double latency_seconds = 0.0;   // alpha: one way, whatever the length
  double seconds_per_byte = 0.0;  // beta: of what the program hands over, each way at once
  double message_seconds = 0.0;   // o
  // Of full rate that a link gives at once after a pause, as shaped links do (a token bucket): so much less a
  // step's bytes take. 0 for a card.
  double burst_seconds = 0.0;
};

// Ethernet, IP and TCP take 66 bytes of a full frame of 1514.
inline constexpr double kFrameEfficiency = 1448.0 / 1514.0;

[[nodiscard]] double transfer_seconds(const Traffic& traffic, const Link& link);

// What a run's exchange carried, and took.
struct Observation {
  Traffic traffic;
  double seconds = 0.0;
};

// The link on which the observations are explained best: the least sum of squared errors, latency
// and seconds a byte not below 0. From one observation, and from several whose traffic is alike, only one of
// the two can be known: then the latency is `known`'s, as it is if `is_latency_known`.
//   observations  at least one, of more than one rank and more than 0 s each
//   known         message_seconds, burst_seconds, and latency_seconds as above
[[nodiscard]] Link fit_link(std::span<const Observation> observations, const Link& known,
                            bool is_latency_known);

}  // namespace sterna::projection
