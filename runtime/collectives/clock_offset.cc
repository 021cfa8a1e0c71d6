#include "runtime/collectives/clock_offset.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sterna::collectives {
namespace {

using std::chrono::nanoseconds;

constexpr int kQuestions = 40;  // enough that one finds both ranks awake

template <typename Value>
void send_value(Communicator& comm, int peer, const Value& value) {
  const SendBlock block{.peer = peer, .bytes = std::as_bytes(std::span(&value, 1))};
  comm.start({&block, 1}, {})->wait();
}

template <typename Value>
Value receive_value(Communicator& comm, int peer) {
  Value value{};
  const ReceiveBlock block{.peer = peer, .bytes = std::as_writable_bytes(std::span(&value, 1))};
  comm.start({}, {&block, 1})->wait();
  return value;
}

// On rank 0: what the rank's clock is against this one's.
ClockOffset ask(Communicator& comm, int rank, const std::function<TimePoint()>& clock) {
  ClockOffset best{.error_bound = nanoseconds::max()};
  for (int i = 0; i < kQuestions; ++i) {
    const TimePoint asked = clock();
    send_value(comm, rank, std::byte{});
    const auto answer = receive_value<TimePoint>(comm, rank);
    const nanoseconds half_round_trip = (clock() - asked) / 2;
    // Halves are rounded down: one nanosecond more bounds what either of them loses.
    const nanoseconds error_bound = half_round_trip + nanoseconds(1);
    if (error_bound >= best.error_bound) continue;
    best = {.when = answer, .offset = answer - (asked + half_round_trip), .error_bound = error_bound};
  }
  return best;
}

}  // namespace

ClockOffset estimate_clock_offset(Communicator& comm, const std::function<TimePoint()>& clock) {
  if (comm.rank() == 0) {
    const TimePoint now = clock();
    for (int rank = 1; rank < comm.ranks(); ++rank) send_value(comm, rank, ask(comm, rank, clock));
    return {.when = now};
  }
  for (int i = 0; i < kQuestions; ++i) {
    (void)receive_value<std::byte>(comm, 0);
    send_value(comm, 0, clock());
  }
  return receive_value<ClockOffset>(comm, 0);
}

AlignedClock::AlignedClock(const ClockOffset& at_start, const ClockOffset& at_end) : at_start_(at_start) {
  const nanoseconds passed = at_end.when - at_start.when;
  if (passed <= nanoseconds::zero()) return;
  offset_change_per_time_ =
      static_cast<double>((at_end.offset - at_start.offset).count()) / static_cast<double>(passed.count());
}

TimePoint AlignedClock::operator()(TimePoint time) const {
  const auto passed = static_cast<double>(nanoseconds(time - at_start_.when).count());
  return time - at_start_.offset - nanoseconds(std::llround(offset_change_per_time_ * passed));
}

}  // namespace sterna::collectives
