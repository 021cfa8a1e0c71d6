#include "runtime/device/fiber.h"

#include <sys/mman.h>

#include <new>

// The sanitizers' own interface (sanitizer/common_interface_defs.h, asan_interface.h, tsan_interface.h), null
// where a program is linked without them.
extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom,
                                                          std::size_t size);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old,
                                                           std::size_t* size_old);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void* address, std::size_t size);
__attribute__((weak)) void* __tsan_get_current_fiber();
__attribute__((weak)) void* __tsan_create_fiber(unsigned flags);
__attribute__((weak)) void __tsan_destroy_fiber(void* fiber);
__attribute__((weak)) void __tsan_switch_to_fiber(void* fiber, unsigned flags);
__attribute__((weak)) void __tsan_acquire(void* address);
__attribute__((weak)) void __tsan_release(void* address);
}

namespace sterna::device {
namespace {

constexpr unsigned kSwitchOrdersNothing = 1;  // __tsan_switch_to_fiber_no_sync

void start_switch(void** fake_stack, const void* stack, std::size_t bytes) {
  if (__sanitizer_start_switch_fiber != nullptr) __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
}

void finish_switch(void* fake_stack, const void** stack, std::size_t* bytes) {
  if (__sanitizer_finish_switch_fiber != nullptr) __sanitizer_finish_switch_fiber(fake_stack, stack, bytes);
}

void switch_thread(void* thread) {
  if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(thread, kSwitchOrdersNothing);
}

}  // namespace

FiberStacks::FiberStacks(unsigned count) : memory_(nullptr), bytes_(kSpanBytes * count) {
  void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  for (unsigned i = 0; i < count; ++i) {
    // Stacks grow down: the page at the front is the one that an overflow meets.
    if (mprotect(memory_ + i * kSpanBytes, kPageBytes, PROT_NONE) != 0) {
      munmap(memory_, bytes_);
      throw std::bad_alloc();
    }
  }
}

FiberStacks::~FiberStacks() {
  munmap(memory_, bytes_);
}

std::span<std::byte> FiberStacks::stack(unsigned fiber) const {
  return {memory_ + fiber * kSpanBytes + kPageBytes, kStackBytes};
}

Fiber::Fiber(std::span<std::byte> stack, void (*body)(void*), void* argument)
    : stack_(stack), body_(body), argument_(argument) {
  // A fiber that never ended on this stack has left its marks.
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(stack.data(), stack.size());
  own_ = begin_on(stack, &Fiber::enter, this);
  if (__tsan_create_fiber != nullptr) own_thread_ = __tsan_create_fiber(0);
}

Fiber::~Fiber() {
  if (__tsan_destroy_fiber != nullptr) __tsan_destroy_fiber(own_thread_);
}

void Fiber::resume() {
  if (__tsan_get_current_fiber != nullptr) host_thread_ = __tsan_get_current_fiber();
  start_switch(&host_fake_stack_, stack_.data(), stack_.size());
  switch_thread(own_thread_);
  switch_stacks(&host_, own_);
  finish_switch(host_fake_stack_, nullptr, nullptr);
}

void Fiber::leave(bool for_good) {
  // Without a place for its fake stack, a fiber's is freed.
  start_switch(for_good ? nullptr : &own_fake_stack_, host_stack_, host_stack_bytes_);
  switch_thread(host_thread_);
  switch_stacks(&own_, host_);
  finish_switch(own_fake_stack_, &host_stack_, &host_stack_bytes_);
}

void Fiber::enter(void* fiber) {
  auto* const self = static_cast<Fiber*>(fiber);
  finish_switch(nullptr, &self->host_stack_, &self->host_stack_bytes_);
  self->body_(self->argument_);
  self->leave(/*for_good=*/true);
}

bool is_under_thread_sanitizer() {
  return __tsan_create_fiber != nullptr;
}

void order_before(void* tag) {
  if (__tsan_release != nullptr) __tsan_release(tag);
}

void order_after(void* tag) {
  if (__tsan_acquire != nullptr) __tsan_acquire(tag);
}

}  // namespace sterna::device
