#include "runtime/core/scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <thread>

namespace sterna {
namespace {

// ns: the words of sched_getattr(2)'s answer are size and policy, flags, nice and priority, runtime. Linux
// before 6.12 says 0.
std::uint64_t slice_of_this_thread() {
  std::array<std::uint64_t, 6> words{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, words.data(), sizeof words, 0u), 0);
  return words[3];
}

// In a thread of its own, whose settings end with it.
TEST(Scheduling, ShortensSlicesAndNothingElse) {
  const std::uint64_t slice_before = slice_of_this_thread();
  std::thread([&] {
    ASSERT_EQ(::setpriority(PRIO_PROCESS, 0, 3), 0);
    ask_for_short_slices();
    if (slice_before != 0) {
      EXPECT_EQ(slice_of_this_thread(), 100'000u);
    }
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), 3);
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
  }).join();
  EXPECT_EQ(slice_of_this_thread(), slice_before);
}

TEST(Scheduling, SleepsAreAsPreciseAsCanBeForAWhile) {
  std::thread([] {
    ASSERT_EQ(::prctl(PR_SET_TIMERSLACK, 70'000UL), 0);
    {
      const PreciseSleeps precise;
      EXPECT_EQ(::prctl(PR_GET_TIMERSLACK), 1);
      {
        const PreciseSleeps nested;
        EXPECT_EQ(::prctl(PR_GET_TIMERSLACK), 1);
      }
      EXPECT_EQ(::prctl(PR_GET_TIMERSLACK), 1);
    }
    EXPECT_EQ(::prctl(PR_GET_TIMERSLACK), 70'000);
  }).join();
}

}  // namespace
}  // namespace sterna
