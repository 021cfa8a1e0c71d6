#include "runtime/exchange/gathered.h"

#include <algorithm>

#include "runtime/core/clock.h"

namespace sterna::exchange {

void GatheredExchange::run(collectives::Levels& levels, const BucketStep& work, ExchangeRecord& record) {
  select_layers(work.layers, compressors::Exchange::kGathered, gathered_);
  if (gathered_.empty()) return;
  const wire::MessageKey key{.kind = wire::MessageKind::kPayloads,
                             .step = work.step,
                             .bucket = work.bucket,
                             .first_learner = work.local.first,
                             .sections = static_cast<std::uint32_t>(gathered_.size() * work.local.count)};

  const Stopwatch encode_clock;
  const std::span<const std::byte> message = encode(work, key);
  record.compress_seconds += work.ended("encode", encode_clock).seconds();

  const Stopwatch clock;
  const std::uint64_t sent_before = levels.all().traffic().bytes_sent;
  levels.all_gather_unequal(message, blocks_);
  record.under_way.push_back(work.ended("transfer", clock));
  record.sent += sent_of_gathered(levels, message_parts_, sent_before);

  const Stopwatch decode_clock;
  decode(levels.all().ranks(), work, key);
  record.compress_seconds += work.ended("decode", decode_clock).seconds();
}

// One message for all local learners and gathered layers: learner by learner, layer by layer.
std::span<const std::byte> GatheredExchange::encode(const BucketStep& work, const wire::MessageKey& key) {
  wire::MessageWriter writer(key, message_);
  constexpr std::size_t kLengthBytes = 8;  // all_gather_unequal's, before the message
  message_parts_ = {.headers = kLengthBytes + wire::message_bytes(key.sections, 0)};
  for (std::size_t local = 0; local < work.local.count; ++local) {
    for (Layer* layer : gathered_) {
      const compressors::Compressor& compressor = layer->active();
      const compressors::Encoded sent =
          compressor.encode(work.gradient(local, *layer), work.residue(local, *layer), {},
                            work.key(local, *layer), writer.reserve(compressor.max_payload_bytes()));
      writer.commit(sent.payload_bytes);
      message_parts_ += {.values = sent.payload_bytes - sent.index_bytes, .indices = sent.index_bytes};
      if (local == 0) layer->traffic.elements_sent = sent.elements_sent;
    }
  }
  return writer.finish();
}

// Adds up all learners' payloads, in learner order on every rank, and divides by their number.
void GatheredExchange::decode(int ranks, const BucketStep& work, wire::MessageKey key) {
  readers_.resize(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    key.first_learner = static_cast<std::uint32_t>(rank) * work.local.count;
    readers_[static_cast<std::size_t>(rank)].open(blocks_.block(rank), key);
  }
  const auto learners = static_cast<float>(work.learners);
  for (std::size_t i = 0; i < gathered_.size(); ++i) {
    Layer& layer = *gathered_[i];
    const std::span<float> mean = work.mean_of(layer);
    std::ranges::fill(mean, 0.0f);
    for (std::uint32_t learner = 0; learner < work.learners; ++learner) {
      const wire::MessageReader& reader = readers_[learner / work.local.count];
      const std::span<const std::byte> payload =
          reader.section(std::size_t{learner % work.local.count} * gathered_.size() + i);
      layer.active().accumulate(payload, mean);
      layer.traffic.payload_bytes[learner] = payload.size();
    }
    for (float& value : mean) value /= learners;
  }
}

}  // namespace sterna::exchange
