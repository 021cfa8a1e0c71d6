// A GPU as one rank uses it: which one, and what it owns there. Each is freed by its destructor, which
// reports nothing: what fails then has failed before.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "runtime/collectives/communicator.h"
#include "runtime/collectives/make_communicator.h"

namespace sterna::collectives {

// GPUs that this process may use.
struct VisibleDevices {
  int count = 0;
  std::string why_none;  // the driver's reason, where there are none
};
[[nodiscard]] VisibleDevices visible_devices();

// The GPU of this rank: the one that is asked for, or the ranks of a host take the host's GPUs in turn.
// Throws AgreedConfigError if a rank has none, or if two ranks would share one. Collective.
//   control  which brings host names and bus addresses to all ranks
[[nodiscard]] int choose_device(Communicator& control, const NcclRequest& request);

// The GPU whose memory this address lies in; none if it is the host's. Of memory that moves between both:
// `preferred`. Throws CommError.
[[nodiscard]] std::optional<int> device_of(const void* address, int preferred);

namespace detail {

struct FreeDevice {
  void operator()(std::byte* address) const { cudaFree(address); }
};
struct FreePinned {
  void operator()(std::byte* address) const { cudaFreeHost(address); }
};
struct DestroyStream {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
struct DestroyEvent {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};

}  // namespace detail

using DeviceBytes = std::unique_ptr<std::byte, detail::FreeDevice>;
using PinnedBytes = std::unique_ptr<std::byte, detail::FreePinned>;
using Stream = std::unique_ptr<CUstream_st, detail::DestroyStream>;
using Event = std::unique_ptr<CUevent_st, detail::DestroyEvent>;

// On the current device of this thread. Throw CommError.
[[nodiscard]] DeviceBytes allocate_device(std::size_t bytes);
[[nodiscard]] PinnedBytes allocate_pinned(
    std::size_t bytes);              // of the host, which the device reads and writes
[[nodiscard]] Stream make_stream();  // which waits for no other
[[nodiscard]] Event make_event();    // without a time

}  // namespace sterna::collectives
