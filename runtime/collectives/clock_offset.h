// How far the clocks of the ranks are apart, and times of one rank as another's clock would have shown them.
#pragma once

#include <chrono>
#include <functional>

#include "runtime/collectives/communicator.h"
#include "runtime/core/clock.h"

namespace sterna::collectives {

// A rank's clock against that of rank 0.
struct ClockOffset {
  TimePoint when{};                        // of the estimate, on the rank's clock
  std::chrono::nanoseconds offset{};       // the rank's clock minus rank 0's
  std::chrono::nanoseconds error_bound{};  // of the offset
};

// Estimates this rank's offset: rank 0 asks each rank for its time, some tens of times, and believes the
// answer that came back fastest to be of the middle of its round trip (Cristian, "Probabilistic clock
// synchronization", Distributed Computing 3, 1989). It cannot be wrong by more than half of that round trip,
// whatever the way there and back took. Collective; the ranks take their turns. Sends 9 bytes a question.
//   clock  this rank's
[[nodiscard]] ClockOffset estimate_clock_offset(
    Communicator& comm, const std::function<TimePoint()>& clock = std::chrono::steady_clock::now);

// Turns times of a rank's clock into those of rank 0's. The offset is taken to change evenly from one
// estimate to the other: quartz is off by a constant factor of 1 + 1e-5 or so. A later time is never turned
// into an earlier one.
class AlignedClock {
 public:
  AlignedClock(const ClockOffset& at_start, const ClockOffset& at_end);

  [[nodiscard]] TimePoint operator()(TimePoint time) const;

 private:
  ClockOffset at_start_;
  double offset_change_per_time_ = 0.0;
};

}  // namespace sterna::collectives
