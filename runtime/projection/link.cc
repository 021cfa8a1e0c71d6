#include "runtime/projection/link.h"

#include <algorithm>
#include <limits>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

// Below this part of the largest it could be, a determinant says that the two unknowns cannot be told apart.
constexpr double kAlike = 1e-3;

// Sums of the normal equations: x rounds, y bytes, times the seconds that are not messages'.
struct Sums {
  double xx = 0.0, xy = 0.0, yy = 0.0, x = 0.0, y = 0.0;
};

// Bytes that a burst takes at once say nothing of the link.
Sums sums_of(std::span<const Observation> observations, const Link& link) {
  Sums sums;
  for (const Observation& o : observations) {
    const bool is_in_burst = o.traffic.path_bytes * link.seconds_per_byte < link.burst_seconds;
    const double x = o.traffic.rounds;
    const double y = is_in_burst ? 0.0 : o.traffic.path_bytes;
    const double rest =
        o.seconds - o.traffic.messages * link.message_seconds + (is_in_burst ? 0.0 : link.burst_seconds);
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

// The least squares where it is settled which observations are within a burst: those of `link`, which keeps
// what is known.
Link refine(std::span<const Observation> observations, Link link, double latency_seconds,
            bool is_latency_known) {
  const Sums s = sums_of(observations, link);
  const double determinant = s.xx * s.yy - s.xy * s.xy;
  link.latency_seconds = latency_seconds;
  if (!is_latency_known && determinant > kAlike * s.xx * s.yy) {
    link.latency_seconds = not_below_zero((s.x * s.yy - s.y * s.xy) / determinant);
    // Where all of the time is latency, no byte may take less than nothing.
    if (s.y * s.xx < s.x * s.xy) link.latency_seconds = not_below_zero(s.x / s.xx);
  }
  if (!is_latency_known && s.yy == 0.0) link.latency_seconds = not_below_zero(s.x / s.xx);
  link.seconds_per_byte = s.yy > 0.0 ? not_below_zero((s.y - link.latency_seconds * s.xy) / s.yy) : 0.0;
  return link;
}

}  // namespace

double transfer_seconds(const Traffic& traffic, const Link& link) {
  return traffic.rounds * link.latency_seconds + traffic.messages * link.message_seconds +
         not_below_zero(traffic.path_bytes * link.seconds_per_byte - link.burst_seconds);
}

Link fit_link(std::span<const Observation> observations, const Link& known, bool is_latency_known) {
  STERNA_CHECK(observations.size() > 0u);
  Link link = known;
  link.seconds_per_byte = std::numeric_limits<double>::infinity();  // at first nothing is within a burst
  constexpr int kRounds = 4;  // which observations are settles at once where bursts and bytes are far apart
  for (int i = 0; i < kRounds; ++i)
    link = refine(observations, link, known.latency_seconds, is_latency_known);
  return link;
}

}  // namespace sterna::projection
