// From one stack to another, without a system call: a kernel test switches millions of times.
#pragma once

#include <cstddef>
#include <span>

namespace sterna::device {

// Where a flow of control goes on: on its own stack, once it has been left.
using Continuation = void*;

// What entry(argument) needs to begin on `stack`; it must not return.
[[nodiscard]] Continuation begin_on(std::span<std::byte> stack, void (*entry)(void*), void* argument);

// Leaves this flow of control, noting in `here` where it goes on, and goes on `there`.
void switch_stacks(Continuation* here, Continuation there);

}  // namespace sterna::device
