#include "runtime/projection/link.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

// Below this part of the largest it could be, a determinant says that the two unknowns cannot be told apart.
constexpr double kAlike = 1e-3;

// Sums of the normal equations: x rounds, y bytes, times the seconds that are not messages'.
struct Sums {
  double xx = 0.0, xy = 0.0, yy = 0.0, x = 0.0, y = 0.0;
};

Sums sums_of(std::span<const Observation> observations, double message_seconds) {
  Sums sums;
  for (const Observation& o : observations) {
    const double x = o.traffic.rounds;
    const double y = o.traffic.path_bytes;
    const double rest = o.seconds - o.traffic.messages * message_seconds;
    sums.xx += x * x;
    sums.xy += x * y;
    sums.yy += y * y;
    sums.x += x * rest;
    sums.y += y * rest;
  }
  return sums;
}

double not_below_zero(double value) {
  return std::max(0.0, value);
}

}  // namespace

double transfer_seconds(const Traffic& traffic, const Link& link) {
  return traffic.rounds * link.latency_seconds + traffic.messages * link.message_seconds +
         traffic.path_bytes * link.seconds_per_byte;
}

Link fit_link(std::span<const Observation> observations, double message_seconds, double latency_seconds,
              bool is_latency_known) {
  STERNA_CHECK(observations.size() > 0u);
  const Sums s = sums_of(observations, message_seconds);
  const double determinant = s.xx * s.yy - s.xy * s.xy;
  const auto bytes_given_latency = [&](double latency) {
    return not_below_zero((s.y - latency * s.xy) / s.yy);
  };
  Link link{.latency_seconds = latency_seconds, .message_seconds = message_seconds};
  if (!is_latency_known && determinant > kAlike * s.xx * s.yy) {
    link.latency_seconds = not_below_zero((s.x * s.yy - s.y * s.xy) / determinant);
    // Where all of the time is latency, no byte may take less than nothing.
    if (s.y * s.xx < s.x * s.xy) link.latency_seconds = not_below_zero(s.x / s.xx);
  }
  link.seconds_per_byte = bytes_given_latency(link.latency_seconds);
  return link;
}

}  // namespace sterna::projection
