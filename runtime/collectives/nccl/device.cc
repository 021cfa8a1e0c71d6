#include "runtime/collectives/nccl/device.h"

#include <algorithm>
#include <array>
#include <vector>

#include "runtime/collectives/agreement.h"
#include "runtime/collectives/collectives.h"
#include "runtime/collectives/hosts.h"
#include "runtime/collectives/nccl/check.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

std::string bus_address(int device) {
  std::array<char, 32> text{};
  check_cuda(cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), device),
             {.name = "cudaDeviceGetPCIBusId"});
  return text.data();
}

// What the user has to know of two ranks that would have one GPU; empty if no two do.
std::string why_not_apart(const std::vector<std::string>& hosts, const std::vector<std::string>& buses,
                          const NcclRequest& request) {
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
    for (std::size_t earlier = 0; earlier < rank; ++earlier) {
      if (hosts[rank] != hosts[earlier] || buses[rank] != buses[earlier]) continue;
      return cat("[nccl] ", request.setting, ": ranks ", earlier, " and ", rank, " share GPU ", buses[rank],
                 " of host ", hosts[rank],
                 ", and NCCL wants one for each rank; start as many ranks on a host as it has GPUs, or ",
                 request.instead);
    }
  }
  return "";
}

// What is wrong with the GPUs that this rank sees; empty if the one it wants is among them.
std::string why_no_device(const VisibleDevices& devices, const NcclRequest& request) {
  if (devices.count == 0) {
    return cat("[nccl] ", request.setting, ": no GPU can be used (", devices.why_none,
               "); see whether nvidia-smi shows one, or ", request.instead);
  }
  if (!request.device || (*request.device >= 0 && *request.device < devices.count)) return "";
  return cat("[nccl] ", request.setting, ", device = ", *request.device, ": must be in [0, ", devices.count,
             "), the GPUs that this process sees; see CUDA_VISIBLE_DEVICES");
}

}  // namespace

VisibleDevices visible_devices() {
  VisibleDevices devices;
  const cudaError_t code = cudaGetDeviceCount(&devices.count);
  if (code != cudaSuccess) return {.count = 0, .why_none = reason_of(code)};
  if (devices.count == 0) devices.why_none = reason_of(cudaErrorNoDevice);
  return devices;
}

int choose_device(Communicator& control, const NcclRequest& request) {
  const VisibleDevices devices = visible_devices();
  agree(control, why_no_device(devices, request));
  const std::vector<std::string> hosts = all_gather_text(control, host_name());
  const auto own = hosts.begin() + control.rank();
  const auto earlier_on_host = static_cast<int>(std::count(hosts.begin(), own, *own));
  // Launchers that give each rank a GPU of its own show it that one alone, as number 0.
  const int device = request.device.value_or(earlier_on_host % devices.count);
  agree(control, why_not_apart(hosts, all_gather_text(control, bus_address(device)), request));
  return device;
}

std::optional<int> device_of(const void* address, int preferred) {
  cudaPointerAttributes attributes{};
  check_cuda(cudaPointerGetAttributes(&attributes, address), {.name = "cudaPointerGetAttributes"});
  if (attributes.type == cudaMemoryTypeManaged) return preferred;
  if (attributes.type != cudaMemoryTypeDevice) return std::nullopt;
  return attributes.device;
}

DeviceBytes allocate_device(std::size_t bytes) {
  void* address = nullptr;
  check_cuda(cudaMalloc(&address, bytes), {.name = "cudaMalloc"});
  return DeviceBytes(static_cast<std::byte*>(address));
}

PinnedBytes allocate_pinned(std::size_t bytes) {
  void* address = nullptr;
  check_cuda(cudaMallocHost(&address, bytes), {.name = "cudaMallocHost"});
  return PinnedBytes(static_cast<std::byte*>(address));
}

Stream make_stream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking),
             {.name = "cudaStreamCreateWithFlags"});
  return Stream(stream);
}

Event make_event() {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), {.name = "cudaEventCreateWithFlags"});
  return Event(event);
}

}  // namespace sterna::collectives
