#include "runtime/exchange/device/summed.h"

#include <algorithm>

#include "compressors/gpu/on_stream.h"
#include "runtime/collectives/collectives.h"
#include "runtime/collectives/ordered_sum.h"
#include "runtime/core/errors.h"
#include "runtime/wire/length_table.h"

namespace sterna::exchange {
namespace {

using compressors::Exchange;
using compressors::gpu::Outcome;
using compressors::gpu::padded_section;
using numerics::ValueFormat;

constexpr std::size_t kLengthsALayer = 2;  // in the leader's table: of the index section, and of the payload
constexpr std::size_t kPayloadAlignment = 256;

std::size_t payload_stride(std::size_t bytes) {
  return (bytes + kPayloadAlignment - 1) / kPayloadAlignment * kPayloadAlignment;
}

// The sum in tree order of `learners` payloads of so many bytes each, one stride after the other.
void sum_payloads(device::StreamLauncher& launch, ValueFormat format, std::span<const std::byte> payloads,
                  std::size_t stride, std::uint32_t learners, std::span<float> sum) {
  using compressors::gpu::Total;
  switch (format) {
    case ValueFormat::kFloat32:
      return compressors::gpu::sum_payloads<ValueFormat::kFloat32>(launch, payloads, stride, learners,
                                                                   Total::kSum, sum);
    case ValueFormat::kFloat16:
      return compressors::gpu::sum_payloads<ValueFormat::kFloat16>(launch, payloads, stride, learners,
                                                                   Total::kSum, sum);
    case ValueFormat::kBfloat16:
      return compressors::gpu::sum_payloads<ValueFormat::kBfloat16>(launch, payloads, stride, learners,
                                                                    Total::kSum, sum);
  }
}

}  // namespace

WireBytes DeviceSummed::run(const DeviceBucketStep& work) {
  WireBytes sent;
  select_layers(work.layers, Exchange::kLeaderIndexed, layers_);
  indexed_.clear();
  if (!layers_.empty()) sent += share_indices(work);
  draw_indices(work);
  for (ValueFormat format : {ValueFormat::kFloat32, ValueFormat::kFloat16, ValueFormat::kBfloat16}) {
    sent += sum_format(work, format);
  }
  return sent;
}

// The leader chooses the indices of every indexed layer of the bucket; all ranks receive them in one block of
// a length that all know, with their lengths in front.
WireBytes DeviceSummed::share_indices(const DeviceBucketStep& work) {
  const int leader_rank = static_cast<int>(work.leader / work.local.count);
  const wire::MessageKey key{.kind = wire::MessageKind::kIndices,
                             .step = work.step,
                             .bucket = work.bucket,
                             .first_learner = work.leader,
                             .sections = static_cast<std::uint32_t>(layers_.size() * kLengthsALayer)};
  const std::size_t table_bytes = wire::table_bytes(key.sections);
  std::size_t block_bytes = table_bytes;
  for (const Layer* layer : layers_) block_bytes += padded_section(layer->active().max_index_bytes());
  const std::span<std::byte> block = index_block_.take(block_bytes);
  place_indexed(work, block.subspan(table_bytes));
  if (site_.comm.rank() == leader_rank) encode_leader(work, key, block);

  const std::uint64_t sent_before = site_.comm.traffic().bytes_sent;
  collectives::broadcast(site_.comm, leader_rank, block);
  const std::uint64_t copies = (site_.comm.traffic().bytes_sent - sent_before) / block_bytes;
  const std::span<const std::byte> table = site_.link.learn(block.first(table_bytes));
  require_accepted(site_.link, work.table, work.step, work.local, work.layers);
  take_lengths(work, wire::read_table(table, key));

  std::size_t index_bytes = 0;
  for (const Indexed& indexed : indexed_) index_bytes += indexed.section.size();
  return {.indices = copies * index_bytes,
          .headers = copies * table_bytes,
          .padding = copies * (block_bytes - table_bytes - index_bytes)};
}

// Deals out room for the longest index sections, and for the payloads where the leader is hosted.
void DeviceSummed::place_indexed(const DeviceBucketStep& work, std::span<std::byte> sections) {
  const bool hosts_leader =
      work.leader >= work.local.first && work.leader < work.local.first + work.local.count;
  std::size_t payload_bytes = 0;
  for (const Layer* layer : layers_) payload_bytes += payload_stride(layer->active().max_payload_bytes());
  std::span<std::byte> payloads = leader_payloads_.take(hosts_leader ? payload_bytes : 0);
  for (Layer* layer : layers_) {
    const compressors::Compressor& compressor = layer->active();
    indexed_.push_back(
        {.layer = layer, .section = sections.first(compressor.max_index_bytes()), .payload = {}});
    sections = sections.subspan(padded_section(compressor.max_index_bytes()));
    if (!hosts_leader) continue;
    indexed_.back().payload = payloads.first(compressor.max_payload_bytes());
    payloads = payloads.subspan(payload_stride(compressor.max_payload_bytes()));
  }
}

// Leaves index sections and their lengths in the block, padded with zeros, and the leader's payloads.
void DeviceSummed::encode_leader(const DeviceBucketStep& work, const wire::MessageKey& key,
                                 std::span<std::byte> block) {
  site_.launch.zero(block.data(), block.size());
  site_.link.upload(wire::table_header(key), block.first(wire::kTableHeaderBytes));
  auto* lengths = reinterpret_cast<std::uint32_t*>(block.data() + wire::kTableHeaderBytes);
  for (const Indexed& indexed : indexed_) {
    compressors::gpu::EncodeBuffers buffers =
        work.encoding(site_, work.leader - work.local.first, *indexed.layer);
    buffers.index_section = indexed.section;
    buffers.payload = indexed.payload;
    buffers.outcome = site_.outcomes.take_of<Outcome>(1).data();
    work.active(*indexed.layer).encode_as_leader(site_.launch, buffers);
    compressors::gpu::store_index_lengths(site_.launch, buffers.outcome, lengths);
    lengths += kLengthsALayer;
  }
}

void DeviceSummed::take_lengths(const DeviceBucketStep& work, std::span<const std::size_t> lengths) {
  for (std::size_t i = 0; i < indexed_.size(); ++i) {
    Indexed& indexed = indexed_[i];
    const std::size_t index_bytes = lengths[kLengthsALayer * i];
    const std::size_t payload_bytes = lengths[kLengthsALayer * i + 1];
    const std::size_t most = indexed.layer->active().max_payload_bytes();
    if (index_bytes > indexed.section.size() || payload_bytes > most || payload_bytes % sizeof(float) != 0) {
      throw WireError(cat("[exchange] step ", work.step, ", bucket ", work.bucket, ", from learner ",
                          work.leader, ": ", index_bytes, " bytes of indices and ", payload_bytes,
                          " of values, at most ", indexed.section.size(), " and ", most,
                          " are possible; do all ranks run the same build and settings?"));
    }
    indexed.section = indexed.section.first(index_bytes);
    // What the leader has sent says how many values all others send.
    indexed.layer->traffic.elements_sent = payload_bytes / sizeof(float);
    if (!indexed.payload.empty()) indexed.payload = indexed.payload.first(payload_bytes);
  }
}

// What every rank knows by itself of where the values of kSummed layers belong, which the host draws.
void DeviceSummed::draw_indices(const DeviceBucketStep& work) {
  std::size_t most = 0;
  for (const Layer* layer : work.layers) {
    if (layer->active().exchange() == Exchange::kSummed)
      most += padded_section(layer->active().max_index_bytes());
  }
  std::span<std::byte> room = drawn_indices_.take(most);
  drawn_.assign(work.layers.size(), {});
  for (std::size_t i = 0; i < work.layers.size(); ++i) {
    const Layer& layer = *work.layers[i];
    const compressors::Compressor& compressor = layer.active();
    if (compressor.exchange() != Exchange::kSummed) continue;
    scratch_.resize(std::max(scratch_.size(), compressor.max_index_bytes()));
    const std::span<const std::byte> drawn = std::span(scratch_).first(
        compressor.write_shared_indices(work.key(/*local_learner=*/0, layer), scratch_));
    site_.link.upload(drawn, room.first(drawn.size()));
    drawn_[i] = {.indices = room.first(drawn.size()), .values = compressor.payload_values(drawn)};
    room = room.subspan(padded_section(compressor.max_index_bytes()));
  }
}

std::vector<DeviceSummed::Part> DeviceSummed::plan_parts(const DeviceBucketStep& work,
                                                         ValueFormat format) const {
  std::vector<Part> parts;
  std::size_t first_value = 0;
  auto indexed = indexed_.begin();
  for (std::size_t i = 0; i < work.layers.size(); ++i) {
    Layer* const layer = work.layers[i];
    const compressors::Compressor& compressor = layer->active();
    if (compressor.exchange() == Exchange::kGathered) continue;
    Part part{.layer = layer,
              .indices = drawn_[i].indices,
              .leader_payload = {},
              .first_value = first_value,
              .values = drawn_[i].values};
    if (compressor.exchange() == Exchange::kLeaderIndexed) {
      part.indices = indexed->section;
      part.leader_payload = indexed->payload;
      part.values = layer->traffic.elements_sent;
      ++indexed;
    }
    if (compressor.value_format() != format) continue;
    first_value += part.values;
    parts.push_back(part);
  }
  return parts;
}

// Encodes a layer of all local learners, and leaves the sum of their values.
void DeviceSummed::encode_part(const DeviceBucketStep& work, const Part& part, ValueFormat format,
                               std::span<float> values) {
  const Layer& layer = *part.layer;
  const std::size_t stride = payload_stride(layer.active().max_payload_bytes());
  const std::span<std::byte> payloads = site_.payloads.take(stride * work.local.count);
  const std::span<Outcome> outcomes = site_.outcomes.take_of<Outcome>(work.local.count);
  site_.launch.zero(outcomes.data(), outcomes.size_bytes());
  const bool is_indexed = layer.active().exchange() == Exchange::kLeaderIndexed;
  for (std::uint32_t local = 0; local < work.local.count; ++local) {
    const std::span<std::byte> payload = payloads.subspan(stride * local, layer.active().max_payload_bytes());
    if (is_indexed && work.local.first + local == work.leader) {
      site_.launch.copy(part.leader_payload.data(), payload.data(), part.leader_payload.size());
      continue;
    }
    compressors::gpu::EncodeBuffers buffers = work.encoding(site_, local, layer);
    buffers.indices = part.indices;
    buffers.payload = payload;
    buffers.outcome = &outcomes[local];
    work.active(layer).encode(site_.launch, buffers);
  }
  if (!part.indices.empty()) {
    compressors::gpu::note_refusals(site_.launch, std::span<const Outcome>(outcomes),
                                    site_.link.refusal(layer.parameter));
  }
  sum_payloads(site_.launch, format, payloads, stride, work.local.count, values);
}

void DeviceSummed::decode_part(const DeviceBucketStep& work, const Part& part, ValueFormat format,
                               std::span<const float> values) {
  Layer& layer = *part.layer;
  const std::span<Outcome> outcome = site_.outcomes.take_of<Outcome>(1);
  work.active(layer).scatter(site_.launch,
                             {.indices = part.indices,
                              .values = values,
                              .out = work.mean_of(layer),
                              .workspace = site_.workspace.take(work.active(layer).workspace_bytes()),
                              .outcome = outcome.data()});
  if (!part.indices.empty()) {
    compressors::gpu::note_refusals(site_.launch, std::span<const Outcome>(outcome),
                                    site_.link.refusal(layer.parameter));
  }
  work.hand_round_mean(site_, layer);
  layer.traffic.elements_sent = part.values;
  std::ranges::fill(layer.traffic.payload_bytes, part.values * numerics::bytes_per_value(format));
  if (layer.active().exchange() == Exchange::kLeaderIndexed) {
    layer.traffic.payload_bytes[work.leader] += part.indices.size();
  }
}

// One sum over all learners for every value of this format in the bucket.
WireBytes DeviceSummed::sum_format(const DeviceBucketStep& work, ValueFormat format) {
  const std::vector<Part> parts = plan_parts(work, format);
  if (parts.empty()) return {};
  const std::span<float> values = values_.take_of<float>(parts.back().first_value + parts.back().values);
  for (const Part& part : parts) {
    encode_part(work, part, format, values.subspan(part.first_value, part.values));
  }
  const auto divide = [&](std::span<float> segment) {
    compressors::gpu::divide_by_learners(site_.launch, segment, work.learners);
  };
  const std::uint64_t sent_before = site_.comm.traffic().bytes_sent;
  collectives::ordered_sum(site_.comm, values,
                           mean_options(format, work.local.count == 1, work.sum_in_any_order, divide));
  const std::uint64_t sent = site_.comm.traffic().bytes_sent - sent_before;
  for (const Part& part : parts) {
    decode_part(work, part, format, values.subspan(part.first_value, part.values));
  }
  return {.values = sent};
}

}  // namespace sterna::exchange
