// What a thread may ask of the kernel's scheduler.
#pragma once

namespace sterna {

// For a thread that mostly waits and wants its core as soon as what it waits for is there: where it shares
// the core with a thread that computes, Linux 6.12 and later let it in before that one's slice of
// milliseconds is over. It takes no larger part of the core. Elsewhere nothing changes.
void ask_for_short_slices();

// While it lives, this thread's sleeps end when they are to, not up to 50 us later as Linux has it unless
// asked. To be destroyed by the thread that made it.
class PreciseSleeps {
 public:
  PreciseSleeps() noexcept;
  ~PreciseSleeps();
  PreciseSleeps(const PreciseSleeps&) = delete;
  PreciseSleeps& operator=(const PreciseSleeps&) = delete;

 private:
  unsigned long slack_before_ = 0;  // ns
};

}  // namespace sterna
