// The part of a bucket whose values are summed, from device to device: kSummed layers, and kLeaderIndexed
// ones once the leader has spoken. Internal to the exchange on a device.
#pragma once

#include <vector>

#include "runtime/exchange/device/bucket_step.h"

namespace sterna::exchange {

class DeviceSummed {
 public:
  explicit DeviceSummed(DeviceSite& site)
      : site_(site),
        index_block_(site.stream),
        leader_payloads_(site.stream),
        drawn_indices_(site.stream),
        values_(site.stream) {}

  // Handles the layers that are not gathered; the others are passed over. Waits once if there are
  // kLeaderIndexed ones: for the lengths that the leader has found. Collective.
  [[nodiscard]] WireBytes run(const DeviceBucketStep& work);

 private:
  // The leader's index section of a kLeaderIndexed layer, and its payload, which the leader's rank alone has.
  struct Indexed {
    Layer* layer;
    std::span<std::byte> section;  // room for the longest; then as long as it is
    std::span<std::byte> payload;
  };
  // Indices that all ranks draw, and how many values go there; none: every element.
  struct Drawn {
    std::span<const std::byte> indices;
    std::size_t values = 0;
  };
  // A layer within the run of values of one format that are summed together.
  struct Part {
    Layer* layer;
    std::span<const std::byte> indices;
    std::span<const std::byte> leader_payload;  // empty where another rank hosts the leader
    std::size_t first_value;
    std::size_t values;
  };

  [[nodiscard]] WireBytes share_indices(const DeviceBucketStep& work);
  void place_indexed(const DeviceBucketStep& work, std::span<std::byte> sections);
  void encode_leader(const DeviceBucketStep& work, const wire::MessageKey& key, std::span<std::byte> block);
  void take_lengths(const DeviceBucketStep& work, std::span<const std::size_t> lengths);
  void draw_indices(const DeviceBucketStep& work);
  [[nodiscard]] std::vector<Part> plan_parts(const DeviceBucketStep& work,
                                             numerics::ValueFormat format) const;
  [[nodiscard]] WireBytes sum_format(const DeviceBucketStep& work, numerics::ValueFormat format);
  void encode_part(const DeviceBucketStep& work, const Part& part, numerics::ValueFormat format,
                   std::span<float> values);
  void decode_part(const DeviceBucketStep& work, const Part& part, numerics::ValueFormat format,
                   std::span<const float> values);

  DeviceSite& site_;
  std::vector<Layer*> layers_;
  std::vector<Indexed> indexed_;  // in the bucket's order
  std::vector<Drawn> drawn_;      // by layer of the bucket, of those that are kSummed
  DeviceRoom index_block_;        // a table of lengths, then index sections
  DeviceRoom leader_payloads_;
  DeviceRoom drawn_indices_;
  DeviceRoom values_;
  std::vector<std::byte> scratch_;
};

}  // namespace sterna::exchange
