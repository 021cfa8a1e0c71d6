// What host and device tell each other in a step, through pinned memory: the host uploads what it alone can
// write, and learns lengths and verdicts. Internal to the exchange on a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/exchange/device/rooms.h"

namespace sterna::exchange {

class HostLink {
 public:
  // The stream outlives it.
  //   parameters, local_learners  for each of which there is a verdict
  //   upload_bytes                of a step, at most, each upload rounded up to a multiple of 64
  HostLink(collectives::DeviceStream& stream, std::size_t parameters, std::size_t local_learners,
           std::size_t upload_bytes);

  // Clears the verdicts. What was uploaded in the step before has arrived.
  void begin_step();

  // Enqueues a copy: `bytes` may be changed at once.
  void upload(std::span<const std::byte> bytes, std::span<std::byte> to);

  // Where kernels write, on the device: 1 if this gradient is not finite; and other than 0 if something of
  // this parameter has been refused.
  [[nodiscard]] std::uint32_t* is_not_finite(std::size_t parameter, std::size_t local_learner);
  [[nodiscard]] std::uint32_t* refusal(std::size_t parameter);

  // Enqueues a copy of the verdicts to the host.
  void fetch_verdicts();

  // Returns a copy of these bytes of the device, valid until the next call, with the verdicts of now. Waits
  // for the device: the one wait of a bucket. Throws CommError.
  [[nodiscard]] std::span<const std::byte> learn(std::span<const std::byte> report);

  // As the host last learned them: the device has settled since they were fetched.
  [[nodiscard]] bool was_not_finite(std::size_t parameter, std::size_t local_learner) const;
  [[nodiscard]] std::uint32_t was_refused(std::size_t parameter) const;

 private:
  [[nodiscard]] std::size_t word_of(std::size_t parameter, std::size_t local_learner) const;
  void copy(const void* from, void* to, std::size_t bytes, cudaMemcpyKind kind);

  collectives::DeviceStream& stream_;
  const std::size_t parameters_;
  const std::size_t local_learners_;
  DeviceRoom verdicts_on_device_;
  PinnedRoom verdicts_;
  std::span<std::uint32_t> verdict_words_on_device_;
  std::span<std::uint32_t> verdict_words_;
  PinnedRoom uploads_;
  std::span<std::byte> upload_bytes_;
  std::size_t uploaded_ = 0;
  PinnedRoom report_;
};

}  // namespace sterna::exchange
