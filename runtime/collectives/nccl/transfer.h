// Blocks under way over NCCL.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/collectives/communicator.h"
#include "runtime/collectives/nccl/channel.h"
#include "runtime/collectives/nccl/staging.h"

namespace sterna::collectives {

// Whether the device can reach this address by itself.
[[nodiscard]] bool is_on_device(const void* address);

class NcclTransfer : public Transfer {
 public:
  // Both outlive it.
  NcclTransfer(NcclChannel& channel, StagingPool& pool) : channel_(channel), pool_(pool) {}

  // A transfer that is given up breaks the channel off: nothing may write to its blocks once it is gone.
  ~NcclTransfer() override;
  NcclTransfer(const NcclTransfer&) = delete;
  NcclTransfer& operator=(const NcclTransfer&) = delete;

  void start(std::span<const SendBlock> sends, std::span<const ReceiveBlock> receives);
  // Takes part in NCCL's own sum over all ranks, in place.
  void start_sum(std::span<float> values);

  void wait() override;
  // Waits where a block is the host's.
  void wait_in_order() override;

 private:
  // A block of the host's that arrives, and where.
  struct Arrival {
    std::span<std::byte> to;
    StagingPlaces::Place place;
  };

  [[nodiscard]] StagingPlaces stage(std::size_t bytes);
  [[nodiscard]] std::span<const std::byte> to_device(std::span<const std::byte> bytes, StagingPlaces& places);
  [[nodiscard]] std::span<std::byte> room_on_device(std::span<std::byte> bytes, StagingPlaces& places);
  void copy_on_stream(std::span<const std::byte> from, std::span<std::byte> to, cudaMemcpyKind kind);
  void end_of_start();

  NcclChannel& channel_;
  StagingPool& pool_;
  Staging staging_;
  std::vector<Arrival> arrivals_;
  std::vector<AwaitedBlock> awaited_;
  Event done_;
  bool is_under_way_ = false;
};

}  // namespace sterna::collectives
