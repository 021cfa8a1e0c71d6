// What the parts of the stand-in share. One thread at a time.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <set>

// A piece of work, done when its run() returns true.
struct StreamWork {
  std::function<bool()> run;
  bool is_wait;  // for an event of another stream, and nothing else
};

// The runtime's own names, declared in its header.
struct CUstream_st {
  int device;
  std::deque<StreamWork> queue = {};
  std::uint64_t enqueued = 0;
  std::uint64_t done = 0;
};

struct CUevent_st {
  int device;
  cudaStream_t stream = nullptr;  // of the last record
  std::uint64_t enqueued = 0;     // there, at that time
};

namespace sterna::cuda_stand_in {

[[nodiscard]] std::set<cudaStream_t>& streams();     // that have been made, and not been destroyed
[[nodiscard]] std::set<cudaStream_t> all_streams();  // and the default ones
[[nodiscard]] std::set<cudaEvent_t>& events();
[[nodiscard]] std::size_t living_allocations();
[[nodiscard]] std::size_t& living_communicators();
[[nodiscard]] std::size_t& living_library_objects();

// Of this thread.
[[nodiscard]] int current_device();

// Runs the first piece of work of every stream, if it can be.
void run_one_piece();

// Ends waits for events that have come: to nobody do they mean work that is left.
void end_waits_that_are_over();

// Whether an allocation of the device holds these bytes.
[[nodiscard]] bool is_device_memory(const void* address, std::size_t bytes);

}  // namespace sterna::cuda_stand_in
