// The part of a bucket whose payloads every rank receives, from device to device. Internal to the exchange on
// a device.
#pragma once

#include <vector>

#include "runtime/exchange/device/bucket_step.h"

namespace sterna::exchange {

class DeviceGathered {
 public:
  explicit DeviceGathered(DeviceSite& site)
      : site_(site), report_(site.stream), message_(site.stream), received_(site.stream) {}

  // Handles the kGathered layers; the others are passed over. Waits once: for the lengths of all ranks.
  // Collective.
  [[nodiscard]] WireBytes run(const DeviceBucketStep& work);

 private:
  // What the host learns, in one piece of device memory: the outcomes of this rank's sections, then all
  // ranks' tables.
  struct Report {
    std::span<std::byte> all;
    std::span<compressors::gpu::Outcome> outcomes;
    std::span<std::byte> tables;
    std::uint32_t* ends;  // of the sections; the host does not look at them
  };
  // By rank, as the tables say.
  struct Lengths {
    std::vector<std::vector<std::size_t>> sections;
    std::vector<std::size_t> offsets;  // [P + 1] of the ranks' messages, one behind the other
  };

  [[nodiscard]] Report make_report(std::size_t sections);
  [[nodiscard]] std::span<const std::byte> encode(const DeviceBucketStep& work, const wire::MessageKey& key,
                                                  const Report& report);
  [[nodiscard]] Lengths read_lengths(const DeviceBucketStep& work, wire::MessageKey key,
                                     std::span<const std::byte> tables) const;
  [[nodiscard]] WireBytes account(const DeviceBucketStep& work,
                                  std::span<const compressors::gpu::Outcome> outcomes) const;
  void decode(const DeviceBucketStep& work, const Lengths& lengths, std::span<const std::byte> received);

  DeviceSite& site_;
  std::vector<Layer*> layers_;  // the kGathered ones of the bucket
  DeviceRoom report_;
  DeviceRoom message_;
  DeviceRoom received_;
};

}  // namespace sterna::exchange
