// A std::vector whose first element lies on a 64-byte border: a cache line, and the widest vector register.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace sterna {

inline constexpr std::size_t kAlignmentBytes = 64;

template <typename T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <typename Other>
  explicit AlignedAllocator(const AlignedAllocator<Other>&) noexcept {}

  T* allocate(std::size_t elements) {
    return static_cast<T*>(::operator new (elements * sizeof(T), std::align_val_t{kAlignmentBytes}));
  }
  void deallocate(T* at, std::size_t) noexcept { ::operator delete (at, std::align_val_t{kAlignmentBytes}); }

  bool operator==(const AlignedAllocator&) const = default;
};

template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace sterna
