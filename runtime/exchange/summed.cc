#include "runtime/exchange/summed.h"

#include <algorithm>
#include <bit>

#include "runtime/core/bytes.h"
#include "runtime/core/clock.h"
#include "runtime/core/errors.h"

namespace sterna::exchange {
namespace {

using compressors::Exchange;
using numerics::ValueFormat;

constexpr std::size_t kLengthBytes =
    8;  // before the index message, which is padded to a length that all ranks know

// Grows `buffer` if need be; contents are not kept.
std::span<std::byte> room(std::vector<std::byte>& buffer, std::size_t bytes) {
  if (buffer.size() < bytes) buffer.resize(bytes);
  return std::span(buffer).first(bytes);
}

}  // namespace

void SummedExchange::run(collectives::Levels& levels, const BucketStep& work, ExchangeRecord& record) {
  select_layers(work.layers, Exchange::kLeaderIndexed, indexed_);
  if (!indexed_.empty()) share_indices(levels, work, record);
  for (ValueFormat format : {ValueFormat::kFloat32, ValueFormat::kFloat16, ValueFormat::kBfloat16}) {
    sum_format(levels, work, format, record);
  }
}

// The leader chooses the indices of every indexed layer of the bucket; all ranks receive them in one message.
void SummedExchange::share_indices(collectives::Levels& levels, const BucketStep& work,
                                   ExchangeRecord& record) {
  const int leader_rank = static_cast<int>(work.leader / work.local.count);
  const wire::MessageKey key{.kind = wire::MessageKind::kIndices,
                             .step = work.step,
                             .bucket = work.bucket,
                             .first_learner = work.leader,
                             .sections = static_cast<std::uint32_t>(indexed_.size())};
  std::size_t most = 0;
  for (const Layer* layer : indexed_) most += layer->active().max_index_bytes();
  const std::size_t message_room = wire::message_bytes(indexed_.size(), most);

  const Stopwatch encode_clock;
  if (levels.all().rank() == leader_rank) {
    encode_leader(work, work.leader - work.local.first, key, message_room);
    record.compress_seconds += work.ended("encode", encode_clock).seconds();
  }

  const Stopwatch clock;
  const std::span<std::byte> block = room(message_, kLengthBytes + message_room);
  const std::uint64_t sent_before = levels.all().traffic().bytes_sent;
  levels.broadcast(leader_rank, block);
  record.under_way.push_back(work.ended("transfer", clock));

  const auto message_length = load<std::uint64_t>(block, 0);
  if (message_length > message_room) {
    throw WireError(cat("[exchange] step ", work.step, ", bucket ", work.bucket, ", from rank ", leader_rank,
                        ": index message has ", message_length, " bytes, at most ", message_room,
                        " are possible; do all ranks run the same config and build?"));
  }
  reader_.open(block.subspan(kLengthBytes, message_length), key);

  // A rank passes the whole block on to some others, or to none.
  const std::uint64_t copies = (levels.all().traffic().bytes_sent - sent_before) / block.size();
  const std::size_t message_header_bytes = wire::message_bytes(indexed_.size(), 0);
  record.sent += {.indices = copies * (message_length - message_header_bytes),
                  .headers = copies * (kLengthBytes + message_header_bytes),
                  .padding = copies * (message_room - message_length)};
}

// Leaves in message_ the length and the index message, padded with zeros, and the leader's own values in
// leader_payload_.
void SummedExchange::encode_leader(const BucketStep& work, std::size_t local_leader,
                                   const wire::MessageKey& key, std::size_t message_room) {
  leader_payload_.resize(std::max(leader_payload_.size(), indexed_.size()));
  leader_payload_bytes_.assign(indexed_.size(), 0);
  std::vector<std::byte>& scratch = payload_;
  wire::MessageWriter writer(key, scratch);
  for (std::size_t i = 0; i < indexed_.size(); ++i) {
    const Layer& layer = *indexed_[i];
    const compressors::Compressor& compressor = layer.active();
    const auto sent = compressor.encode_as_leader(
        work.gradient(local_leader, layer), work.residue(local_leader, layer), work.key(local_leader, layer),
        writer.reserve(compressor.max_index_bytes()),
        room(leader_payload_[i], compressor.max_payload_bytes()));
    writer.commit(sent.index_bytes);
    leader_payload_bytes_[i] = sent.payload_bytes;
    if (local_leader == 0) indexed_[i]->traffic.elements_sent = sent.elements_sent;
  }
  const std::span<const std::byte> message = writer.finish();
  const std::span<std::byte> block = room(message_, kLengthBytes + message_room);
  store<std::uint64_t>(block, 0, message.size());
  std::ranges::copy(message, block.begin() + kLengthBytes);
  std::ranges::fill(block.subspan(kLengthBytes + message.size()), std::byte{0});
}

// What every rank knows by itself of where the values of a kSummed layer belong.
std::span<const std::byte> SummedExchange::shared_indices(const BucketStep& work, std::size_t layer) {
  const compressors::Compressor& compressor = work.layers[layer]->active();
  shared_indices_.resize(std::max(shared_indices_.size(), work.layers.size()));
  const std::span<std::byte> indices = room(shared_indices_[layer], compressor.max_index_bytes());
  return indices.first(
      compressor.write_shared_indices(work.key(/*local_learner=*/0, *work.layers[layer]), indices));
}

std::vector<SummedExchange::Part> SummedExchange::plan_parts(const BucketStep& work, ValueFormat format) {
  std::vector<Part> parts;
  std::size_t first_value = 0;
  std::size_t section = 0;
  for (std::size_t i = 0; i < work.layers.size(); ++i) {
    Layer* const layer = work.layers[i];
    const compressors::Compressor& compressor = layer->active();
    if (compressor.exchange() == Exchange::kGathered) continue;
    std::span<const std::byte> indices;
    if (compressor.exchange() == Exchange::kLeaderIndexed) indices = reader_.section(section++);
    if (compressor.value_format() != format) continue;
    if (compressor.exchange() == Exchange::kSummed) indices = shared_indices(work, i);
    const std::size_t values = compressor.payload_values(indices);
    parts.push_back({.layer = layer, .indices = indices, .first_value = first_value, .values = values});
    first_value += values;
  }
  return parts;
}

// The gradient, and with it what a compressor held back that is not in use any more.
std::span<const float> SummedExchange::gradient_of(const BucketStep& work, std::size_t local_learner,
                                                   const Layer& layer) {
  const std::span<const float> gradient = work.gradient(local_learner, layer);
  if (!layer.is_on || !layer.has_leftover) return gradient;
  const std::span<float> residue = work.residue(local_learner, layer);
  with_leftover_.resize(gradient.size());
  const float owed = layer.configured->owed_per_residue();
  std::ranges::transform(gradient, residue, with_leftover_.begin(),
                         [&](float g, float m) { return g + owed * m; });
  std::ranges::fill(residue, 0.0f);
  return with_leftover_;
}

// Encodes all parts of one learner, and leaves their values in `values`.
void SummedExchange::encode_learner(const BucketStep& work, std::size_t local_learner,
                                    std::span<const Part> parts, ValueFormat format,
                                    std::span<float> values) {
  const std::uint32_t learner = work.local.first + static_cast<std::uint32_t>(local_learner);
  std::size_t section = 0;
  for (const Part& part : parts) {
    Layer& layer = *part.layer;
    const bool is_indexed = layer.active().exchange() == Exchange::kLeaderIndexed;
    std::span<const std::byte> payload;
    if (is_indexed && learner == work.leader) {
      payload = std::span(leader_payload_[section]).first(leader_payload_bytes_[section]);
    } else {
      const std::span<std::byte> buffer = room(payload_, layer.active().max_payload_bytes());
      const compressors::Encoded sent =
          layer.active().encode(gradient_of(work, local_learner, layer), work.residue(local_learner, layer),
                                part.indices, work.key(local_learner, layer), buffer);
      payload = buffer.first(sent.payload_bytes);
      if (local_learner == 0) layer.traffic.elements_sent = sent.elements_sent;
    }
    STERNA_CHECK(payload.size() == (part.values * numerics::bytes_per_value(format)));
    numerics::unpack_values(payload, format, values.subspan(part.first_value, part.values));
    if (is_indexed) ++section;
  }
}

// One sum over all learners for every value of this format in the bucket.
void SummedExchange::sum_format(collectives::Levels& levels, const BucketStep& work, ValueFormat format,
                                ExchangeRecord& record) {
  const Stopwatch encode_clock;
  const std::vector<Part> parts = plan_parts(work, format);
  if (parts.empty()) return;
  const std::size_t values = parts.back().first_value + parts.back().values;
  sum_.restart(values);
  for (std::size_t local = 0; local < work.local.count; ++local) {
    encode_learner(work, local, parts, format, sum_.next());
    sum_.push();
  }
  const std::span<float> sum = sum_.sum();
  record.compress_seconds += work.ended("encode", encode_clock).seconds();

  const Stopwatch clock;
  const auto divide = [learners = static_cast<float>(work.learners)](std::span<float> segment) {
    for (float& value : segment) value /= learners;
  };
  const collectives::OrderedSumOptions options =
      mean_options(format, work.local.count == 1, work.sum_in_any_order, divide);
  const std::uint64_t sent_before = levels.all().traffic().bytes_sent;
  levels.ordered_sum(sum, options);
  record.under_way.push_back(work.ended("transfer", clock));
  record.sent.values += levels.all().traffic().bytes_sent - sent_before;

  const Stopwatch decode_clock;
  for (const Part& part : parts) {
    Layer& layer = *part.layer;
    layer.active().scatter(part.indices, sum.subspan(part.first_value, part.values), work.mean_of(layer));
    std::ranges::fill(layer.traffic.payload_bytes, part.values * numerics::bytes_per_value(format));
    if (layer.active().exchange() == Exchange::kLeaderIndexed) {
      layer.traffic.payload_bytes[work.leader] += part.indices.size();
    }
    if (layer.is_on) layer.has_leftover = false;
  }
  record.compress_seconds += work.ended("decode", decode_clock).seconds();
}

}  // namespace sterna::exchange
