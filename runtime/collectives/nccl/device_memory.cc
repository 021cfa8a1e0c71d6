#include "runtime/collectives/nccl/device_memory.h"

#include "runtime/collectives/nccl/check.h"
#include "runtime/collectives/nccl/value_kernels.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {

using numerics::ValueFormat;

void DeviceMemory::copy(std::span<const std::byte> from, std::span<std::byte> to) {
  STERNA_CHECK(from.size() == to.size());
  if (from.empty() || from.data() == to.data()) return;
  channel_.enter();
  check_cuda(
      cudaMemcpyAsync(to.data(), from.data(), from.size(), cudaMemcpyDeviceToDevice, channel_.stream()),
      {.name = "cudaMemcpyAsync", .rank = channel_.rank()});
}

void DeviceMemory::pack(std::span<const float> values, ValueFormat format, std::span<std::byte> bytes) {
  STERNA_CHECK(bytes.size() == (values.size() * numerics::bytes_per_value(format)));
  if (format == ValueFormat::kFloat32) {
    copy(std::as_bytes(values), bytes);
    return;
  }
  if (values.empty()) return;
  channel_.enter();
  check_cuda(enqueue_pack(values.data(), values.size(), format,
                          reinterpret_cast<std::uint16_t*>(bytes.data()), channel_.stream()),
             {.name = "the kernel pack", .rank = channel_.rank()});
}

void DeviceMemory::unpack(std::span<const std::byte> bytes, ValueFormat format, std::span<float> values) {
  STERNA_CHECK(bytes.size() == (values.size() * numerics::bytes_per_value(format)));
  if (format == ValueFormat::kFloat32) {
    copy(bytes, std::as_writable_bytes(values));
    return;
  }
  if (values.empty()) return;
  channel_.enter();
  check_cuda(enqueue_unpack(reinterpret_cast<const std::uint16_t*>(bytes.data()), values.size(), format,
                            values.data(), channel_.stream()),
             {.name = "the kernel unpack", .rank = channel_.rank()});
}

void DeviceMemory::round(std::span<float> values, ValueFormat format) {
  if (values.empty() || format == ValueFormat::kFloat32) return;
  channel_.enter();
  check_cuda(enqueue_round(values.data(), values.size(), format, channel_.stream()),
             {.name = "the kernel round", .rank = channel_.rank()});
}

void DeviceMemory::add_in_tree_order(const TreeOperands& operands, std::span<float> own) {
  if (own.empty() || operands.ranks == 1) return;
  channel_.enter();
  check_cuda(enqueue_tree_sum(operands, own.data(), own.size(), channel_.stream()),
             {.name = "the kernel tree_sum", .rank = channel_.rank()});
}

// Freeing waits, without a limit, for all that the device is doing: so nothing may be under way.
std::span<float> DeviceMemory::scratch(std::size_t values) {
  if (scratch_values_ < values) {
    settle();
    scratch_.reset();
    scratch_values_ = 0;
    scratch_ = allocate_device(values * sizeof(float));
    scratch_values_ = values;
  }
  return {reinterpret_cast<float*>(scratch_.get()), scratch_values_};
}

void DeviceMemory::settle() {
  channel_.settle();
}

}  // namespace sterna::collectives
