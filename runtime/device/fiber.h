// A flow of control with a stack of its own, which gives way only where it says so.
//
// The sanitizers are told of each switch. What this library is compiled with does not matter to them: it is
// never instrumented itself (CMakeLists.txt), and finds their functions when the program is linked.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/device/stack_switch.h"

namespace sterna::device {

// Stacks for `count` fibers; the page below each cannot be touched. Fibers may use them again.
class FiberStacks {
 public:
  explicit FiberStacks(unsigned count);
  ~FiberStacks();
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  [[nodiscard]] unsigned count() const { return static_cast<unsigned>(bytes_ / kSpanBytes); }
  [[nodiscard]] std::span<std::byte> stack(unsigned fiber) const;

 private:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kStackBytes = 64 * 1024;
  static constexpr std::size_t kSpanBytes = kPageBytes + kStackBytes;

  std::byte* memory_;
  std::size_t bytes_;
};

class Fiber {
 public:
  // resume() runs body(argument), which throws nothing.
  //   stack  outlives the fiber
  Fiber(std::span<std::byte> stack, void (*body)(void*), void* argument);
  // The body may not have returned: what lies on its stack is not destroyed then.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Until the fiber pauses, or its body returns. Not to be called after that.
  void resume();

  // By the body: back to where resume() was called.
  void pause() { leave(/*for_good=*/false); }

 private:
  static void enter(void* fiber);
  void leave(bool for_good);

  std::span<std::byte> stack_;
  void (*body_)(void*);
  void* argument_;
  Continuation own_ = nullptr;
  Continuation host_ = nullptr;
  // The sanitizers' records.
  void* own_fake_stack_ = nullptr;
  void* host_fake_stack_ = nullptr;
  const void* host_stack_ = nullptr;
  std::size_t host_stack_bytes_ = 0;
  void* own_thread_ = nullptr;
  void* host_thread_ = nullptr;
};

// Whether races are looked for: memory must not be used anew then, or what used it before seems ordered.
[[nodiscard]] bool is_under_thread_sanitizer();

// What came before order_before(tag) in one fiber is ordered before what follows order_after(tag) in another.
// A switch by itself orders nothing.
void order_before(void* tag);
void order_after(void* tag);

}  // namespace sterna::device
