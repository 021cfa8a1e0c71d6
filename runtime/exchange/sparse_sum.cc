#include "runtime/exchange/sparse_sum.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "runtime/core/bytes.h"
#include "runtime/core/clock.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/sparse_part.h"

namespace sterna::exchange {
namespace {

using compressors::Element;
using compressors::ElementValues;

constexpr std::size_t kLengthBytes = 8;  // of an unequal block, before it
constexpr std::size_t kSaidBytes = 4;    // before an owner's sums

std::uint32_t magnitude_bits(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7fffffff;
}

// A total order, NaN first: what is selected depends on nothing else.
bool is_larger(const Element& a, const Element& b) {
  return std::tuple(magnitude_bits(b.value), a.index) < std::tuple(magnitude_bits(a.value), b.index);
}

}  // namespace

void SparseSumExchange::run(collectives::Levels& levels, const BucketStep& work, ExchangeRecord& record) {
  select_layers(work.layers, compressors::Exchange::kGathered, layers_);
  if (layers_.empty()) return;

  const Stopwatch encode_clock;
  encode(work);
  record.compress_seconds += work.ended("encode", encode_clock).seconds();

  const Stopwatch parts_clock;
  std::uint64_t sent_before = levels.all().traffic().bytes_sent;
  levels.all_to_all_unequal(messages_, blocks_);
  record.under_way.push_back(work.ended("transfer", parts_clock));
  WireBytes own;
  for (int peer = 0; peer < levels.all().ranks(); ++peer) {
    if (peer != levels.all().rank()) own += message_parts_[static_cast<std::size_t>(peer)];
  }
  record.sent += with_the_rest(levels, own, sent_before);

  const Stopwatch sum_clock;
  const std::span<const std::byte> message = sum_parts(work);
  record.compress_seconds += work.ended("sum", sum_clock).seconds();

  const Stopwatch sums_clock;
  sent_before = levels.all().traffic().bytes_sent;
  levels.all_gather_unequal(message, blocks_);
  record.under_way.push_back(work.ended("transfer", sums_clock));
  record.sent += sent_of_gathered(levels, sum_message_parts_, sent_before);

  const Stopwatch decode_clock;
  open_messages(work, wire::MessageKind::kSums, layers_.size() * work.local.count);
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) decode_layer(work, layer);
  record.compress_seconds += work.ended("decode", decode_clock).seconds();
}

Partition SparseSumExchange::partition(const BucketStep& work, std::size_t layer) const {
  return {work.table[layers_[layer]->parameter].elements, work.learners};
}

// Leaves one message for each rank in messages_, and what its bytes are in message_parts_.
void SparseSumExchange::encode(const BucketStep& work) {
  const std::size_t ranks = work.learners / work.local.count;
  const std::size_t pairs = layers_.size() * work.local.count;
  const wire::MessageKey key{.kind = wire::MessageKind::kParts,
                             .step = work.step,
                             .bucket = work.bucket,
                             .first_learner = work.local.first,
                             .sections = static_cast<std::uint32_t>(pairs * work.local.count)};
  sent_.resize(std::max(sent_.size(), pairs));
  said_bytes_.assign(pairs, 0);
  by_part_.resize(work.learners);
  message_buffers_.resize(ranks);
  message_parts_.assign(ranks, {.headers = kLengthBytes + wire::message_bytes(key.sections, 0)});

  std::vector<wire::MessageWriter> writers;
  writers.reserve(ranks);
  for (std::vector<std::byte>& buffer : message_buffers_) writers.emplace_back(key, buffer);
  for (std::size_t local = 0; local < work.local.count; ++local) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) encode_layer(work, local, layer, writers);
  }
  messages_.clear();
  for (wire::MessageWriter& writer : writers) messages_.push_back(writer.finish());
}

void SparseSumExchange::encode_layer(const BucketStep& work, std::size_t local_learner, std::size_t layer,
                                     std::vector<wire::MessageWriter>& writers) {
  Layer& of = *layers_[layer];
  const compressors::Compressor& compressor = of.active();
  payload_.resize(std::max(payload_.size(), compressor.max_payload_bytes()));
  const compressors::Encoded encoded =
      compressor.encode(work.gradient(local_learner, of), work.residue(local_learner, of), {},
                        work.key(local_learner, of), payload_);
  if (local_learner == 0) of.traffic.elements_sent = encoded.elements_sent;

  const Partition parts = partition(work, layer);
  std::vector<Element>& sent = sent_[local_learner * layers_.size() + layer];
  compressor.read_elements(std::span(payload_).first(encoded.payload_bytes), sent);
  for (std::vector<Element>& part : by_part_) part.clear();
  for (const Element& element : sent) by_part_[parts.part_of(element.index)].push_back(element);

  for (std::uint32_t owner = 0; owner < work.learners; ++owner) {
    const std::size_t rank = owner / work.local.count;
    const SparsePart part(parts, owner, compressor.element_values().value());
    const PartBytes bytes =
        part.write(by_part_[owner], writers[rank].reserve(part.max_bytes(by_part_[owner].size())));
    writers[rank].commit(bytes.total());
    message_parts_[rank] += {.values = bytes.values, .indices = bytes.indices};
    said_bytes_[local_learner * layers_.size() + layer] += bytes.total();
  }
}

// Opens the blocks of all ranks, each of which is a message of so many sections.
void SparseSumExchange::open_messages(const BucketStep& work, wire::MessageKind kind, std::size_t sections) {
  const std::size_t ranks = work.learners / work.local.count;
  readers_.resize(ranks);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    readers_[rank].open(blocks_.block(static_cast<int>(rank)),
                        {.kind = kind,
                         .step = work.step,
                         .bucket = work.bucket,
                         .first_learner = static_cast<std::uint32_t>(rank) * work.local.count,
                         .sections = static_cast<std::uint32_t>(sections)});
  }
}

// One message for all local owners and layers: what each owner selects of its part.
std::span<const std::byte> SparseSumExchange::sum_parts(const BucketStep& work) {
  const std::size_t pairs = layers_.size() * work.local.count;
  open_messages(work, wire::MessageKind::kParts, pairs * work.local.count);
  const wire::MessageKey key{.kind = wire::MessageKind::kSums,
                             .step = work.step,
                             .bucket = work.bucket,
                             .first_learner = work.local.first,
                             .sections = static_cast<std::uint32_t>(pairs)};
  sum_message_parts_ = {.headers = kLengthBytes + wire::message_bytes(pairs, 0) + pairs * kSaidBytes};
  wire::MessageWriter writer(key, sum_message_);
  for (std::size_t local = 0; local < work.local.count; ++local) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      sum_part(work, local, layer);
      const auto owner = work.local.first + static_cast<std::uint32_t>(local);
      const SparsePart part(partition(work, layer), owner, ElementValues::kFloats);
      const std::span<std::byte> section = writer.reserve(kSaidBytes + part.max_bytes(sums_.size()));
      store(section, 0, static_cast<std::uint32_t>(said_bytes_[local * layers_.size() + layer]));
      const PartBytes bytes = part.write(sums_, section.subspan(kSaidBytes));
      writer.commit(kSaidBytes + bytes.total());
      sum_message_parts_ += {.values = bytes.values, .indices = bytes.indices};
    }
  }
  return writer.finish();
}

// Leaves in sums_ what the owner selects, ascending.
void SparseSumExchange::sum_part(const BucketStep& work, std::size_t local_owner, std::size_t layer) {
  const auto owner = work.local.first + static_cast<std::uint32_t>(local_owner);
  const SparsePart part(partition(work, layer), owner, layers_[layer]->active().element_values().value());
  contributions_.clear();
  for (std::uint32_t learner = 0; learner < work.learners; ++learner) {
    const std::size_t pair = std::size_t{learner % work.local.count} * layers_.size() + layer;
    sums_.clear();
    part.read(readers_[learner / work.local.count].section(pair * work.local.count + local_owner), sums_);
    for (const Element& element : sums_) contributions_.push_back({element.index, learner, element.value});
  }
  std::ranges::sort(contributions_, {}, [](const Contribution& c) { return std::tuple(c.index, c.learner); });

  sums_.clear();
  for (const Contribution& contribution : contributions_) {
    if (sums_.empty() || sums_.back().index != contribution.index)
      sums_.push_back({contribution.index, 0.0f});
    sums_.back().value += contribution.value;
  }
  select_largest((contributions_.size() + work.learners - 1) / work.learners);
}

// Keeps of sums_, which ascend, the `most` largest that are not 0, ascending.
void SparseSumExchange::select_largest(std::size_t most) {
  std::erase_if(sums_, [](const Element& sum) { return sum.value == 0.0f; });
  if (sums_.size() <= most) return;
  const auto end = sums_.begin() + static_cast<std::ptrdiff_t>(most);
  std::ranges::nth_element(sums_, end, is_larger);
  sums_.erase(end, sums_.end());
  std::ranges::sort(sums_, {}, &Element::index);
}

// Overwrites the layer's mean, and returns to residues what was not selected.
void SparseSumExchange::decode_layer(const BucketStep& work, std::size_t layer) {
  Layer& of = *layers_[layer];
  sums_.clear();
  for (std::uint32_t owner = 0; owner < work.learners; ++owner) {
    const std::span<const std::byte> section = readers_[owner / work.local.count].section(
        std::size_t{owner % work.local.count} * layers_.size() + layer);
    if (section.size() < kSaidBytes) {
      throw WireError(cat("[exchange] step ", work.step, ", bucket ", work.bucket, ", from learner ", owner,
                          ": sums have ", section.size(), " bytes, expected at least ", kSaidBytes));
    }
    const std::span<const std::byte> sums = section.subspan(kSaidBytes);
    SparsePart(partition(work, layer), owner, ElementValues::kFloats).read(sums, sums_);
    of.traffic.payload_bytes[owner] = load<std::uint32_t>(section, 0) + sums.size();
  }

  const std::span<float> mean = work.mean_of(of);
  std::ranges::fill(mean, 0.0f);
  for (const Element& sum : sums_) mean[sum.index] = sum.value;
  take_back(work, layer);
  const auto learners = static_cast<float>(work.learners);
  for (const Element& sum : sums_) mean[sum.index] /= learners;
}

// The layer's mean holds the selected sums, none of them 0, and 0 elsewhere.
void SparseSumExchange::take_back(const BucketStep& work, std::size_t layer) {
  const std::span<const float> sums = work.mean_of(*layers_[layer]);
  for (std::size_t local = 0; local < work.local.count; ++local) {
    const std::span<float> residue = work.residue(local, *layers_[layer]);
    for (const Element& element : sent_[local * layers_.size() + layer]) {
      if (sums[element.index] == 0.0f) residue[element.index] += element.value;
    }
  }
}

}  // namespace sterna::exchange
