// Over NCCL: blocks are grouped sends and receives of bytes, which NCCL keeps in order between two ranks.
#include <string_view>

#include "runtime/collectives/agreement.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/collectives/nccl/api.h"
#include "runtime/collectives/nccl/channel.h"
#include "runtime/collectives/nccl/check.h"
#include "runtime/collectives/nccl/device.h"
#include "runtime/collectives/nccl/device_memory.h"
#include "runtime/collectives/nccl/staging.h"
#include "runtime/collectives/nccl/transfer.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(Communicator& control, int device, std::chrono::milliseconds time_limit)
      : ranks_(control.ranks()), device_memory_(channel_), channel_(control, device, time_limit) {}

  [[nodiscard]] std::string_view name() const override { return kNcclName; }
  [[nodiscard]] int rank() const override { return channel_.rank(); }
  [[nodiscard]] int ranks() const override { return ranks_; }
  void abandon() override { channel_.abandon(); }
  [[nodiscard]] DeviceStream& stream() { return channel_; }

  [[nodiscard]] Memory& memory_of(const void* address) override {
    if (address == nullptr) return Communicator::memory_of(address);
    channel_.enter();
    if (is_on_device(address)) return device_memory_;
    return Communicator::memory_of(address);
  }

 private:
  std::unique_ptr<Transfer> start_blocks(std::span<const SendBlock> sends,
                                         std::span<const ReceiveBlock> receives) override {
    auto transfer = std::make_unique<NcclTransfer>(channel_, pool_);
    transfer->start(sends, receives);
    return transfer;
  }

  void sum_in_any_order(std::span<float> values) override {
    NcclTransfer transfer(channel_, pool_);
    transfer.start_sum(values);
    transfer.wait_in_order();
  }

  const int ranks_;
  // The channel goes first: the driver frees memory only when the device is idle.
  StagingPool pool_;
  DeviceMemory device_memory_;
  NcclChannel channel_;
};

// Why this rank cannot load NCCL; empty if it can.
std::string why_no_nccl(const NcclRequest& request) {
  try {
    (void)nccl_api();
    return "";
  } catch (const ConfigError& error) {
    return cat("[nccl] ", request.setting, ": ", error.what(), ", or ", request.instead);
  }
}

}  // namespace

DeviceStream& device_stream_of(Communicator& comm) {
  auto* const nccl = dynamic_cast<NcclCommunicator*>(&comm);
  if (nccl == nullptr)
    throw InternalError(cat("[nccl] a stream of a communicator over ", comm.name(), ": none has one"));
  return nccl->stream();
}

std::string nccl_version() {
  int version = 0;  // major * 10000 + minor * 100 + patch
  check_nccl(nccl_api().get_version(&version), {.name = "ncclGetVersion"}, /*comm=*/nullptr);
  return cat(version / 10000, ".", version / 100 % 100, ".", version % 100);
}

bool has_nccl() {
  return true;
}

std::unique_ptr<Communicator> make_nccl(Communicator& control, std::chrono::milliseconds time_limit,
                                        const NcclRequest& request) {
  agree(control, why_no_nccl(request));
  const int device = choose_device(control, request);
  return std::make_unique<NcclCommunicator>(control, device, time_limit);
}

}  // namespace sterna::collectives
