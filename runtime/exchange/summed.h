// The part of a bucket whose values are summed: kSummed layers, and kLeaderIndexed ones once the leader has
// spoken. Internal to the exchange.
#pragma once

#include <vector>

#include "runtime/collectives/levels.h"
#include "runtime/exchange/layer.h"
#include "runtime/exchange/tree_accumulator.h"
#include "runtime/wire/message.h"

namespace sterna::exchange {

class SummedExchange {
 public:
  // Handles the layers of `work` that are not gathered; the others are passed over. Collective.
  void run(collectives::Levels& levels, const BucketStep& work, ExchangeRecord& record);

 private:
  // A layer within the run of values of one format that are summed together.
  struct Part {
    Layer* layer;
    std::span<const std::byte> indices;  // the leader's, or those that all ranks know; empty: every element
    std::size_t first_value;
    std::size_t values;
  };

  void share_indices(collectives::Levels& levels, const BucketStep& work, ExchangeRecord& record);
  void encode_leader(const BucketStep& work, std::size_t local_leader, const wire::MessageKey& key,
                     std::size_t message_room);
  [[nodiscard]] std::vector<Part> plan_parts(const BucketStep& work, numerics::ValueFormat format);
  [[nodiscard]] std::span<const std::byte> shared_indices(const BucketStep& work, std::size_t layer);
  void sum_format(collectives::Levels& levels, const BucketStep& work, numerics::ValueFormat format,
                  ExchangeRecord& record);
  [[nodiscard]] std::span<const float> gradient_of(const BucketStep& work, std::size_t local_learner,
                                                   const Layer& layer);
  void encode_learner(const BucketStep& work, std::size_t local_learner, std::span<const Part> parts,
                      numerics::ValueFormat format, std::span<float> values);

  std::vector<Layer*> indexed_;     // the kLeaderIndexed layers of the bucket
  std::vector<std::byte> message_;  // index sections of one bucket
  wire::MessageReader reader_;
  std::vector<std::vector<std::byte>> leader_payload_;  // by indexed layer; filled where the leader is hosted
  std::vector<std::size_t> leader_payload_bytes_;
  std::vector<std::vector<std::byte>> shared_indices_;  // by layer of the bucket, where it has them
  std::vector<std::byte> payload_;
  std::vector<float> with_leftover_;  // one layer's gradient and residue
  TreeAccumulator sum_;
};

}  // namespace sterna::exchange
