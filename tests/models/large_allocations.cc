// Replaces operator new in the test program; in a file of its own so that the compiler sees new and delete as
// a pair.
#include "tests/models/large_allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

// Counts allocations large enough to hold activations; oneDNN's own bookkeeping of a call is smaller.
constexpr std::size_t kLargeBytes = 4096;
std::atomic<int> large_allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  if (bytes >= kLargeBytes) ++large_allocations;
  void* at = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  std::free(at);
}
void operator delete(void* at, std::align_val_t) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t, std::align_val_t) noexcept {
  std::free(at);
}

namespace sterna::models {

int large_allocations_so_far() {
  return large_allocations;
}

}  // namespace sterna::models
