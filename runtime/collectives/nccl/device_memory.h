// The memory of one rank's GPU, as collectives use it.
#pragma once

#include <span>

#include "runtime/collectives/memory.h"
#include "runtime/collectives/nccl/channel.h"

namespace sterna::collectives {

class DeviceMemory : public Memory {
 public:
  // What is done here is enqueued on the channel's stream; the channel outlives it.
  explicit DeviceMemory(NcclChannel& channel) : channel_(channel) {}

  void copy(std::span<const std::byte> from, std::span<std::byte> to) override;
  void pack(std::span<const float> values, numerics::ValueFormat format, std::span<std::byte> bytes) override;
  void unpack(std::span<const std::byte> bytes, numerics::ValueFormat format,
              std::span<float> values) override;
  void round(std::span<float> values, numerics::ValueFormat format) override;
  void add_in_tree_order(const TreeOperands& operands, std::span<float> own) override;
  [[nodiscard]] std::span<float> scratch(std::size_t values) override;
  void settle() override;

 private:
  NcclChannel& channel_;
  DeviceBytes scratch_;
  std::size_t scratch_values_ = 0;
};

}  // namespace sterna::collectives
