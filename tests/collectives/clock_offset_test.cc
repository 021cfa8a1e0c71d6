#include "runtime/collectives/clock_offset.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/collectives/make_communicator.h"

namespace sterna::collectives {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

TimePoint at(std::int64_t count) {
  return TimePoint(nanoseconds(count));
}

// Every rank's estimate, where the clock of rank r is 10 r seconds ahead of rank 0's, or behind.
std::vector<ClockOffset> estimates(int ranks, nanoseconds skew_of_a_rank) {
  std::vector<ClockOffset> found(static_cast<std::size_t>(ranks));
  run_on_threads(ranks, [&](Communicator& comm) {
    const auto clock = [&] { return steady_clock::now() + comm.rank() * skew_of_a_rank; };
    const ClockOffset offset = estimate_clock_offset(comm, clock);
    EXPECT_LE(offset.when, clock());
    EXPECT_GE(offset.when, clock() - 60s);
    found[static_cast<std::size_t>(comm.rank())] = offset;
  });
  return found;
}

// The bound holds whatever the machine does meanwhile; nothing is tolerated beyond it.
TEST(ClockOffset, IsOffByNoMoreThanItSays) {
  for (const nanoseconds skew : {nanoseconds(10s), nanoseconds(-10s), nanoseconds(0), nanoseconds(777)}) {
    for (int ranks : {1, 2, 3, 4}) {
      const auto found = estimates(ranks, skew);
      EXPECT_EQ(found[0].offset, 0ns);
      EXPECT_EQ(found[0].error_bound, 0ns);
      for (int rank = 1; rank < ranks; ++rank) {
        const ClockOffset& of_rank = found[static_cast<std::size_t>(rank)];
        EXPECT_GT(of_rank.error_bound, 0ns);
        EXPECT_LT(of_rank.error_bound, 5s);  // far below the skew: it was found
        EXPECT_LE(std::chrono::abs(of_rank.offset - rank * skew), of_rank.error_bound);
      }
    }
  }
}

// By rank 0's clock one question a second, whose answers take 80, 79, 78, ... and at last 41 ms; rank 1's
// clock stands at 100 s. The last answer is believed: 20.5 ms after 39 s.
TEST(ClockOffset, BelievesTheFastestAnswer) {
  run_on_threads(2, [](Communicator& comm) {
    if (comm.rank() == 1) {
      const ClockOffset found = estimate_clock_offset(comm, [] { return TimePoint(100s); });
      EXPECT_EQ(found.offset, 100s - (39s + 20500us));
      EXPECT_EQ(found.error_bound, 20500us + 1ns);
      EXPECT_EQ(found.when, TimePoint(100s));
      return;
    }
    int readings = 0;
    (void)estimate_clock_offset(comm, [&] {
      const int reading = readings++ - 1;  // the first is of rank 0 itself
      if (reading < 0) return TimePoint{};
      const int question = reading / 2;
      return TimePoint(question * 1s + (reading % 2) * (80 - question) * 1ms);
    });
  });
}

TEST(AlignedClock, TakesOffWhatWasEstimated) {
  const ClockOffset start{.when = at(1000), .offset = nanoseconds(300)};
  const AlignedClock align(start, start);
  EXPECT_EQ(align(at(1000)), at(700));
  EXPECT_EQ(align(at(5000)), at(4700));
}

// From 300 ns at 1000 to 400 ns at 3000: 350 in the middle, and on at the same pace beyond.
TEST(AlignedClock, LetsTheOffsetChangeEvenly) {
  const AlignedClock align({.when = at(1000), .offset = nanoseconds(300)},
                           {.when = at(3000), .offset = nanoseconds(400)});
  EXPECT_EQ(align(at(1000)), at(700));
  EXPECT_EQ(align(at(2000)), at(1650));
  EXPECT_EQ(align(at(3000)), at(2600));
  EXPECT_EQ(align(at(3020)), at(2619));
}

TEST(AlignedClock, NeverTurnsALaterTimeIntoAnEarlierOne) {
  // An hour on a clock that runs 200 ppm fast, after a year of running.
  const TimePoint year = at(31'536'000'000'000'000);
  const AlignedClock align({.when = year, .offset = 5s}, {.when = year + 1h, .offset = 5s + 720ms});
  for (int second = 0; second < 3600; second += 7) {
    const TimePoint time = year + std::chrono::seconds(second);
    for (int i = 0; i < 100; ++i) EXPECT_LE(align(time + nanoseconds(i)), align(time + nanoseconds(i + 1)));
  }
}

}  // namespace
}  // namespace sterna::collectives
