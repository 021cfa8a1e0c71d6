#include "runtime/exchange/device/gathered.h"

#include <cstring>
#include <limits>

#include "compressors/gpu/on_stream.h"
#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "runtime/wire/length_table.h"

namespace sterna::exchange {

using compressors::gpu::Outcome;
using compressors::gpu::padded_section;

WireBytes DeviceGathered::run(const DeviceBucketStep& work) {
  select_layers(work.layers, compressors::Exchange::kGathered, layers_);
  if (layers_.empty()) return {};
  const wire::MessageKey key{.kind = wire::MessageKind::kPayloads,
                             .step = work.step,
                             .bucket = work.bucket,
                             .first_learner = work.local.first,
                             .sections = static_cast<std::uint32_t>(layers_.size() * work.local.count)};
  const Report report = make_report(key.sections);
  const std::span<const std::byte> message = encode(work, key, report);

  const std::size_t table_bytes = wire::table_bytes(key.sections);
  const auto rank = static_cast<std::size_t>(site_.comm.rank());
  collectives::all_gather(site_.comm, report.tables.subspan(rank * table_bytes, table_bytes), report.tables);
  const std::span<const std::byte> learned = site_.link.learn(report.all);
  require_accepted(site_.link, work.table, work.step, work.local, work.layers);
  const std::size_t tables_at = learned.size() - report.tables.size();
  const Lengths lengths = read_lengths(work, key, learned.subspan(tables_at));
  std::vector<Outcome> outcomes(key.sections);
  std::memcpy(outcomes.data(), learned.data(), report.outcomes.size_bytes());
  const WireBytes sent = account(work, outcomes);

  const std::span<std::byte> received = received_.take(lengths.offsets.back());
  const std::size_t own_bytes = lengths.offsets[rank + 1] - lengths.offsets[rank];
  collectives::all_gather_known(site_.comm, message.first(own_bytes), received, lengths.offsets);
  decode(work, lengths, received);
  return sent;
}

DeviceGathered::Report DeviceGathered::make_report(std::size_t sections) {
  const std::size_t tables_bytes = wire::table_bytes(sections) * static_cast<std::size_t>(site_.comm.ranks());
  const std::size_t learned_bytes = sections * sizeof(Outcome) + tables_bytes;
  static_assert(sizeof(Outcome) % alignof(std::uint32_t) == 0 && wire::table_bytes(1) % 4 == 0);
  const std::span<std::byte> memory = report_.take(learned_bytes + (sections + 1) * sizeof(std::uint32_t));
  return {.all = memory.first(learned_bytes),
          .outcomes = {reinterpret_cast<Outcome*>(memory.data()), sections},
          .tables = memory.subspan(sections * sizeof(Outcome), tables_bytes),
          .ends = reinterpret_cast<std::uint32_t*>(memory.data() + learned_bytes)};
}

// Encodes learner by learner, layer by layer, and moves each payload behind the one before. Returns the
// message's room: its length is known to the device.
std::span<const std::byte> DeviceGathered::encode(const DeviceBucketStep& work, const wire::MessageKey& key,
                                                  const Report& report) {
  std::size_t most = 0;
  for (const Layer* layer : layers_) most += padded_section(layer->active().max_payload_bytes());
  const std::span<std::byte> message = message_.take(most * work.local.count);
  STERNA_CHECK(message.size() <= std::numeric_limits<std::uint32_t>::max());  // kernels count its bytes so
  const std::span<std::byte> table =
      report.tables.subspan(static_cast<std::size_t>(site_.comm.rank()) * wire::table_bytes(key.sections),
                            wire::table_bytes(key.sections));
  site_.link.upload(wire::table_header(key), table.first(wire::kTableHeaderBytes));
  auto* const table_lengths = reinterpret_cast<std::uint32_t*>(table.data() + wire::kTableHeaderBytes);
  site_.launch.zero(report.ends, sizeof(std::uint32_t));
  std::size_t section = 0;
  for (std::size_t local = 0; local < work.local.count; ++local) {
    for (const Layer* layer : layers_) {
      compressors::gpu::EncodeBuffers buffers = work.encoding(site_, local, *layer);
      buffers.payload = site_.payloads.take(layer->active().max_payload_bytes());
      buffers.outcome = &report.outcomes[section];
      work.active(*layer).encode(site_.launch, buffers);
      compressors::gpu::append_section(site_.launch, std::span<const std::byte>(buffers.payload),
                                       buffers.outcome,
                                       {.message = message.data(),
                                        .begin = report.ends + section,
                                        .end = report.ends + section + 1,
                                        .length = table_lengths + section});
      ++section;
    }
  }
  return message;
}

DeviceGathered::Lengths DeviceGathered::read_lengths(const DeviceBucketStep& work, wire::MessageKey key,
                                                     std::span<const std::byte> tables) const {
  Lengths lengths{.sections = {}, .offsets = {0}};
  const std::size_t table_bytes = wire::table_bytes(key.sections);
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(site_.comm.ranks()); ++rank) {
    key.first_learner = static_cast<std::uint32_t>(rank) * work.local.count;
    lengths.sections.push_back(wire::read_table(tables.subspan(rank * table_bytes, table_bytes), key));
    std::size_t end = lengths.offsets.back();
    for (std::size_t section = 0; section < key.sections; ++section) {
      const std::size_t bytes = lengths.sections.back()[section];
      const std::size_t most = layers_[section % layers_.size()]->active().max_payload_bytes();
      if (bytes > most) {
        throw WireError(cat("[exchange] step ", work.step, ", bucket ", work.bucket, ", from rank ", rank,
                            ": a payload has ", bytes, " bytes, at most ", most,
                            " are possible; do all ranks run the same build and settings?"));
      }
      end += padded_section(bytes);
    }
    lengths.offsets.push_back(end);
  }
  return lengths;
}

// Of this rank's message, which goes to each other rank.
WireBytes DeviceGathered::account(const DeviceBucketStep& work, std::span<const Outcome> outcomes) const {
  WireBytes message{.headers = wire::table_bytes(outcomes.size())};
  for (const Outcome& sent : outcomes) {
    message += {.values = sent.payload_bytes - sent.index_bytes,
                .indices = sent.index_bytes,
                .padding = padded_section(sent.payload_bytes) - sent.payload_bytes};
  }
  for (std::size_t i = 0; i < layers_.size(); ++i)
    layers_[i]->traffic.elements_sent = outcomes[i].elements_sent;
  STERNA_CHECK(outcomes.size() == (layers_.size() * work.local.count));
  WireBytes sent;
  for (int copy = 1; copy < site_.comm.ranks(); ++copy) sent += message;
  return sent;
}

// Adds up all learners' payloads, in learner order on every rank, and divides by their number.
void DeviceGathered::decode(const DeviceBucketStep& work, const Lengths& lengths,
                            std::span<const std::byte> received) {
  std::vector<std::vector<std::span<const std::byte>>> payloads(layers_.size());  // by layer and learner
  for (std::size_t rank = 0; rank < lengths.sections.size(); ++rank) {
    std::size_t at = lengths.offsets[rank];
    for (std::size_t section = 0; section < lengths.sections[rank].size(); ++section) {
      const std::size_t bytes = lengths.sections[rank][section];
      payloads[section % layers_.size()].push_back(received.subspan(at, bytes));
      at += padded_section(bytes);
    }
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = *layers_[i];
    const std::span<float> mean = work.mean_of(layer);
    const std::span<Outcome> outcomes = site_.outcomes.take_of<Outcome>(work.learners);
    site_.launch.zero(mean.data(), mean.size_bytes());
    for (std::uint32_t learner = 0; learner < work.learners; ++learner) {
      work.active(layer).accumulate(site_.launch,
                                    {.payload = payloads[i][learner],
                                     .out = mean,
                                     .workspace = site_.workspace.take(work.active(layer).workspace_bytes()),
                                     .outcome = &outcomes[learner]});
      layer.traffic.payload_bytes[learner] = payloads[i][learner].size();
    }
    compressors::gpu::note_refusals(site_.launch, std::span<const Outcome>(outcomes),
                                    site_.link.refusal(layer.parameter));
    compressors::gpu::divide_by_learners(site_.launch, mean, work.learners);
    work.hand_round_mean(site_, layer);
  }
}

}  // namespace sterna::exchange
