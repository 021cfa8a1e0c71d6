// The part of a bucket whose payloads every rank receives. Internal to the exchange.
#pragma once

#include <vector>

#include "runtime/collectives/levels.h"
#include "runtime/exchange/layer.h"
#include "runtime/wire/message.h"

namespace sterna::exchange {

class GatheredExchange {
 public:
  // Handles the kGathered layers of `work`; the others are passed over. Collective.
  void run(collectives::Levels& levels, const BucketStep& work, ExchangeRecord& record);

 private:
  [[nodiscard]] std::span<const std::byte> encode(const BucketStep& work, const wire::MessageKey& key);
  void decode(int ranks, const BucketStep& work, wire::MessageKey key);

  std::vector<Layer*> gathered_;  // the kGathered layers of the bucket
  std::vector<std::byte> message_;
  WireBytes message_parts_;  // of the last message, one copy of it
  collectives::GatheredBlocks blocks_;
  std::vector<wire::MessageReader> readers_;  // by rank
};

}  // namespace sterna::exchange
