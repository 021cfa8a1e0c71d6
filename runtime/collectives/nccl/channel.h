// One rank's end of an NCCL communicator, and the stream on which all that this rank does there runs in
// order.
//
// NCCL and the driver wait without limit for a rank that is gone. So the communicator is a non-blocking one,
// nothing here synchronises, and every wait polls: for the result, for NCCL's asynchronous error, for the
// rank to give up, and for the time limit. What goes wrong breaks the channel off, which ends what the device
// is still doing; after that it is good for nothing but being destroyed.
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "runtime/collectives/communicator.h"
#include "runtime/collectives/failures.h"
#include "runtime/collectives/nccl/device.h"
#include "runtime/collectives/nccl/device_stream.h"

namespace sterna::collectives {

class NcclChannel : public DeviceStream {
 public:
  // Makes the communicator, whose unique id travels through `control`. Collective. Throws CommError.
  NcclChannel(Communicator& control, int device, std::chrono::milliseconds time_limit);

  // Lets what has been handed to NCCL leave, no longer than the time limit.
  ~NcclChannel() override;
  NcclChannel(const NcclChannel&) = delete;
  NcclChannel& operator=(const NcclChannel&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] ncclComm_t comm() const { return comm_; }

  [[nodiscard]] int device() const override { return device_; }
  [[nodiscard]] cudaStream_t stream() const override { return stream_.get(); }
  void enter() override;
  void settle() override;

  // Runs `calls` of NCCL as one group, and returns when they are in the stream. That may take as long as the
  // peers take to make theirs, if it is the first time with them.
  //   awaited  what the group moves, for errors
  void run_group(const std::function<void()>& calls, std::span<const AwaitedBlock> awaited);

  // Remembers the stream's end as it is now.
  [[nodiscard]] Event record();

  // Returns when the stream has come to the event.
  void wait(cudaEvent_t event, std::span<const AwaitedBlock> awaited);

  // Nobody waits for these blocks: settle() is to name them if they do not come.
  void leave_under_way(std::span<const AwaitedBlock> blocks);

  // From any thread.
  void abandon() { is_abandoned_ = true; }

  // Aborts the communicator, and waits until the device has stopped, no longer than the time limit.
  void break_off() noexcept;

 private:
  void poll_until(const std::function<bool()>& is_done, std::span<const AwaitedBlock> awaited);
  // Whether NCCL has taken up what it was last told. Throws its asynchronous error.
  [[nodiscard]] bool is_ready(std::span<const AwaitedBlock> awaited) const;
  void create(Communicator& control);

  const int rank_;
  const int device_;
  const std::chrono::milliseconds time_limit_;
  std::atomic<bool> is_abandoned_ = false;
  Stream stream_;
  ncclComm_t comm_ = nullptr;
  bool is_broken_ = false;
  std::vector<AwaitedBlock> left_under_way_;  // since the last settle()
};

}  // namespace sterna::collectives
