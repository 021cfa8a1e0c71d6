// For x86-64's System V calling convention: what a call preserves goes onto the stack that is left.
#include <cstdint>
#include <cstring>

#include "runtime/device/stack_switch.h"

extern "C" void sterna_switch_stacks(void** here, void* there);
extern "C" void sterna_begin_fiber();

asm(R"(
.pushsection .text
.hidden sterna_switch_stacks
.globl sterna_switch_stacks
.type sterna_switch_stacks, @function
sterna_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sterna_switch_stacks, .-sterna_switch_stacks

.hidden sterna_begin_fiber
.globl sterna_begin_fiber
.type sterna_begin_fiber, @function
sterna_begin_fiber:
  movq %r12, %rdi
  call *%r13
  ud2
.size sterna_begin_fiber, .-sterna_begin_fiber
.popsection
)");

namespace sterna::device {

Continuation begin_on(std::span<std::byte> stack, void (*entry)(void*), void* argument) {
  // As sterna_switch_stacks() leaves a stack: six registers, and where to go on. 16-byte aligned behind that,
  // as at any call.
  std::uintptr_t frame[8] = {};
  frame[2] = reinterpret_cast<std::uintptr_t>(entry);     // r13
  frame[3] = reinterpret_cast<std::uintptr_t>(argument);  // r12
  frame[6] = reinterpret_cast<std::uintptr_t>(&sterna_begin_fiber);
  const auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size()) / 16 * 16;
  std::byte* const at = stack.data() + (end - reinterpret_cast<std::uintptr_t>(stack.data())) - 16 - 56;
  std::memcpy(at, frame, sizeof frame);
  return at;
}

void switch_stacks(Continuation* here, Continuation there) {
  sterna_switch_stacks(here, there);
}

}  // namespace sterna::device
