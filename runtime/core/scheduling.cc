#include "runtime/core/scheduling.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace sterna {
namespace {

// sched_setattr(2)'s argument in its first version. The C library has none, and the kernel's header, which
// has, cannot be included beside <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;  // ns; of an ordinary thread: the length of its slices
  std::uint64_t deadline;
  std::uint64_t period;
};
static_assert(sizeof(SchedulingAttributes) == 48);

constexpr std::uint64_t kShortestSlice = 100'000;  // ns, the least that Linux grants

}  // namespace

void ask_for_short_slices() {
  SchedulingAttributes attributes{};
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0u) != 0) return;
  attributes.size = sizeof attributes;
  attributes.runtime = kShortestSlice;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0u);
}

PreciseSleeps::PreciseSleeps() noexcept {
  const int slack = ::prctl(PR_GET_TIMERSLACK);
  if (slack <= 0) return;
  slack_before_ = static_cast<unsigned long>(slack);
  ::prctl(PR_SET_TIMERSLACK, 1UL);
}

PreciseSleeps::~PreciseSleeps() {
  if (slack_before_ > 0) ::prctl(PR_SET_TIMERSLACK, slack_before_);
}

}  // namespace sterna
