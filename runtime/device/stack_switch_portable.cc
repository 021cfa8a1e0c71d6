// For other processors: the C library's, which asks the system at each switch.
#include <ucontext.h>

#include <cstdint>
#include <new>

#include "runtime/device/stack_switch.h"

namespace sterna::device {
namespace {

// What begin_on() leaves at the far end of a stack.
struct Beginning {
  ucontext_t context;
  void (*entry)(void*);
  void* argument;
};

// makecontext() passes ints: a pointer goes in halves.
void enter(unsigned high, unsigned low) {
  auto* const begin = reinterpret_cast<Beginning*>(std::uintptr_t{high} << 32 | low);
  begin->entry(begin->argument);
}

}  // namespace

Continuation begin_on(std::span<std::byte> stack, void (*entry)(void*), void* argument) {
  const std::size_t at = (stack.size() - sizeof(Beginning)) / 64 * 64;
  auto* const begin = new (stack.data() + at) Beginning{{}, entry, argument};
  getcontext(&begin->context);
  begin->context.uc_stack.ss_sp = stack.data();
  begin->context.uc_stack.ss_size = at;
  begin->context.uc_link = nullptr;
  const auto pointer = reinterpret_cast<std::uintptr_t>(begin);
  makecontext(&begin->context, reinterpret_cast<void (*)()>(&enter), 2, static_cast<unsigned>(pointer >> 32),
              static_cast<unsigned>(pointer));
  return &begin->context;
}

void switch_stacks(Continuation* here, Continuation there) {
  ucontext_t own;  // on the stack that is left
  *here = &own;
  swapcontext(&own, static_cast<ucontext_t*>(there));
}

}  // namespace sterna::device
