// Device memory: an address that leads nowhere, and the bytes behind it, which kernels find at that address
// while they run. Pinned memory is the host's.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "runtime/core/errors.h"
#include "tests/support/cuda/stand_in.h"
#include "tests/support/cuda/state.h"

namespace sterna::cuda_stand_in {
namespace {

constexpr int kPoison = 0xff;  // NaN as float32 and float16, and no length that a block can have

// Two places where one piece of memory is seen: of the device, and of the stand-in alone.
class TwoViews {
 public:
  explicit TwoViews(std::size_t bytes) : bytes_(std::max<std::size_t>(bytes, 1)) {
    const int file = ::memfd_create("device memory", 0);
    if (file >= 0 && ::ftruncate(file, static_cast<off_t>(bytes_)) == 0) {
      of_device_ = ::mmap(nullptr, bytes_, PROT_NONE, MAP_SHARED, file, 0);
      behind_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    if (file >= 0) ::close(file);
    if (is_there()) std::memset(behind_, kPoison, bytes_);
  }
  ~TwoViews() {
    if (of_device_ != MAP_FAILED) ::munmap(of_device_, bytes_);
    if (behind_ != MAP_FAILED) ::munmap(behind_, bytes_);
  }
  TwoViews(const TwoViews&) = delete;
  TwoViews& operator=(const TwoViews&) = delete;

  [[nodiscard]] bool is_there() const { return of_device_ != MAP_FAILED && behind_ != MAP_FAILED; }
  [[nodiscard]] std::byte* of_device() const { return static_cast<std::byte*>(of_device_); }
  [[nodiscard]] std::byte* behind() const { return static_cast<std::byte*>(behind_); }

  // Whether the device's addresses lead there.
  void open(bool is_open) const {
    ::mprotect(of_device_, bytes_, is_open ? PROT_READ | PROT_WRITE : PROT_NONE);
  }

 private:
  std::size_t bytes_;
  void* of_device_ = MAP_FAILED;
  void* behind_ = MAP_FAILED;
};

struct Allocation {
  std::size_t bytes;
  int device;
  std::unique_ptr<std::byte[]> pinned;  // or null
  std::unique_ptr<TwoViews> views;      // of device memory

  [[nodiscard]] bool is_pinned() const { return pinned != nullptr; }
};

using Allocations = std::map<const std::byte*, Allocation>;

Allocations& allocations() {
  static Allocations all;
  return all;
}

// The allocation that holds these bytes, or the end.
Allocations::iterator find(const void* address, std::size_t bytes) {
  const auto* const first = static_cast<const std::byte*>(address);
  auto found = allocations().upper_bound(first);
  if (found == allocations().begin()) return allocations().end();
  --found;
  const bool holds = first + bytes <= found->first + found->second.bytes;
  return holds ? found : allocations().end();
}

std::unique_ptr<std::byte[]> poisoned(std::size_t bytes) {
  auto memory = std::make_unique_for_overwrite<std::byte[]>(bytes);
  std::memset(memory.get(), kPoison, bytes);
  return memory;
}

// What a copy may read or write there; null if the address is not of that kind.
std::byte* end_of_copy(const void* address, std::size_t bytes, bool must_be_device, bool must_be_pinned) {
  const auto found = find(address, bytes);
  if (must_be_device) return is_device_memory(address, bytes) ? behind(address, bytes) : nullptr;
  const bool is_pinned = found != allocations().end() && found->second.is_pinned();
  if (is_device_memory(address, 0) || (must_be_pinned && !is_pinned)) return nullptr;
  return static_cast<std::byte*>(const_cast<void*>(address));
}

struct CopyEnds {
  std::byte* to;
  const std::byte* from;
};

CopyEnds copy_ends(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, bool is_async) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  return {.to = end_of_copy(to, bytes, to_device, is_async && !to_device),
          .from = end_of_copy(from, bytes, from_device, is_async && !from_device)};
}

cudaError_t free_allocation(void* address, bool is_pinned, const char* call) {
  if (address == nullptr) return cudaSuccess;
  const auto found = allocations().find(static_cast<const std::byte*>(address));
  if (found == allocations().end() || found->second.is_pinned() != is_pinned) {
    return mistake(cudaErrorInvalidValue, cat(call, ": no such allocation"));
  }
  end_waits_that_are_over();
  for (const cudaStream_t stream : all_streams()) {
    if (stream->queue.empty()) continue;
    (void)mistake(cudaErrorInvalidValue,
                  cat(call, ": waits, without a limit, for a stream that has work left"));
  }
  allocations().erase(found);
  return cudaSuccess;
}

}  // namespace

std::size_t living_allocations() {
  return allocations().size();
}

bool is_device_memory(const void* address, std::size_t bytes) {
  const auto found = find(address, bytes);
  return found != allocations().end() && !found->second.is_pinned();
}

std::byte* behind(const void* device_address, std::size_t bytes) {
  const auto found = find(device_address, bytes);
  if (found == allocations().end() || found->second.is_pinned()) {
    (void)mistake(cudaErrorInvalidValue,
                  cat(bytes, " bytes that work touches are not in the device's memory"));
    return nullptr;
  }
  return found->second.views->behind() + (static_cast<const std::byte*>(device_address) - found->first);
}

void run_on_device_memory(const std::function<void()>& kernel) {
  const auto open_all = [](bool is_open) {
    for (const auto& [address, allocation] : allocations()) {
      if (allocation.views) allocation.views->open(is_open);
    }
  };
  open_all(true);
  try {
    kernel();
  } catch (...) {
    open_all(false);
    throw;
  }
  open_all(false);
}

}  // namespace sterna::cuda_stand_in

using namespace sterna::cuda_stand_in;

extern "C" {

cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  auto views = std::make_unique<TwoViews>(bytes);
  if (!views->is_there()) return cudaErrorMemoryAllocation;
  std::byte* const first = views->of_device();
  *address = first;
  allocations().emplace(
      first,
      Allocation{.bytes = bytes, .device = current_device(), .pinned = nullptr, .views = std::move(views)});
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** address, std::size_t bytes) {
  auto memory = poisoned(bytes);
  *address = memory.get();
  const std::byte* const first = memory.get();
  allocations().emplace(
      first,
      Allocation{.bytes = bytes, .device = current_device(), .pinned = std::move(memory), .views = nullptr});
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  return free_allocation(address, /*is_pinned=*/false, "cudaFree");
}

cudaError_t cudaFreeHost(void* address) {
  return free_allocation(address, /*is_pinned=*/true, "cudaFreeHost");
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
  const auto found = find(address, 1);
  *attributes = {};
  attributes->type = cudaMemoryTypeUnregistered;
  if (found == allocations().end()) return cudaSuccess;
  attributes->type = found->second.is_pinned() ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
  attributes->device = found->second.device;
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const CopyEnds ends = copy_ends(to, from, bytes, kind, /*is_async=*/false);
  if (ends.to == nullptr || ends.from == nullptr) {
    return mistake(cudaErrorInvalidValue, "cudaMemcpy: the kind does not fit the pointers");
  }
  std::memmove(ends.to, ends.from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const CopyEnds ends = copy_ends(to, from, bytes, kind, /*is_async=*/true);
  if (ends.to == nullptr || ends.from == nullptr) {
    return mistake(
        cudaErrorInvalidValue,
        "cudaMemcpyAsync: the kind does not fit the pointers, or memory of the host is not pinned");
  }
  return enqueue(stream, [=] {
    const CopyEnds now = copy_ends(to, from, bytes, kind, /*is_async=*/true);
    if (now.to == nullptr || now.from == nullptr) {
      (void)mistake(cudaErrorInvalidValue, "cudaMemcpyAsync: memory was freed before the copy ran");
      return true;
    }
    std::memmove(now.to, now.from, bytes);
    return true;
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  if (!is_device_memory(to, bytes)) {
    return mistake(cudaErrorInvalidValue, "cudaMemsetAsync: not in the device's memory");
  }
  return enqueue(stream, [=] {
    std::byte* const memory = behind(to, bytes);
    if (memory != nullptr) std::memset(memory, value, bytes);
    return true;
  });
}

}  // extern "C"
