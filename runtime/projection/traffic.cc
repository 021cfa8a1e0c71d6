#include "runtime/projection/traffic.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sterna::projection {
namespace {

constexpr double kPieceBytes =
    1 << 20;  // of float32 values that an ordered sum has in one message for all ranks
constexpr double kLengthBytes = 8.0;   // before a message
constexpr double kHeaderBytes = 32.0;  // of a message ...
constexpr double kSectionBytes = 4.0;  // ... and for each of its sections
constexpr double kScoreBytes = 24.0;

// One rank's part in steps 1 and 3 of runtime/exchange/sparse_sum.h, in bits and bytes of one learner.
struct SparseBytes {
  double to_owners;
  double selected;  // by one owner
};

SparseBytes sparse_bytes(const Payload& payload, double learners) {
  const double index_bits = std::max(0.0, payload.index_bits - std::log2(learners));
  const double code_bits = index_bits + (payload.sends_signs ? 2.0 : 32.0);
  const double scales =
      payload.sends_signs ? 4.0 * learners * static_cast<double>(payload.compressed_layers) : 0.0;
  return {.to_owners = payload.sparse_elements * code_bits / 8.0 + scales,
          .selected = payload.sparse_elements / learners * (4.0 + index_bits / 8.0)};
}

// The same number of messages to each peer, twice in a bucket, and bytes that cross at once.
Traffic exchange_with_peers(const Layout& layout, double peers, double bytes) {
  const double rounds = 2.0 * static_cast<double>(layout.buckets);
  return {.rounds = rounds, .messages = rounds * peers, .path_bytes = bytes, .sent_bytes = bytes};
}

// ordered_sum: (P - 1) / P of the values to their owners, and as many sums back.
Traffic summed(const Layout& layout, double peers, double to_owner_bytes, double from_owner_bytes,
               double values) {
  const double share = peers / (peers + 1.0);
  Traffic traffic = exchange_with_peers(layout, peers, share * (to_owner_bytes + from_owner_bytes));
  const double more_pieces = std::ceil(4.0 * values / kPieceBytes) - static_cast<double>(layout.buckets);
  traffic.messages += 2.0 * peers * std::max(0.0, more_pieces);
  return traffic;
}

// broadcast: the leader sends to ceil(log2 P) ranks, the last one hears of it after as many messages.
Traffic broadcast(const Layout& layout, double peers, const Payload& payload) {
  const auto buckets = static_cast<double>(layout.buckets);
  const auto depth = static_cast<double>(std::bit_width(layout.ranks - 1u));
  const double bytes = payload.index_bytes + buckets * (kLengthBytes + kHeaderBytes) +
                       kSectionBytes * static_cast<double>(payload.compressed_layers);
  return {.rounds = buckets * depth,
          .messages = buckets * depth,
          .path_bytes = depth * bytes,
          .sent_bytes = peers / (peers + 1.0) * bytes};
}

// all_gather_unequal: lengths, then messages.
Traffic gathered(const Layout& layout, double peers, const Payload& payload) {
  const double learners = layout.learners_per_rank;
  const double bytes =
      static_cast<double>(layout.buckets) * (kLengthBytes + kHeaderBytes) +
      learners * (payload.gathered_bytes + kSectionBytes * static_cast<double>(payload.compressed_layers));
  return exchange_with_peers(layout, peers, peers * bytes);
}

// Parts to their owners, lengths first; then as `gathered`, with what owners selected.
Traffic sparse(const Layout& layout, double peers, const Payload& payload) {
  const double ranks = peers + 1.0;
  const double local = layout.learners_per_rank;
  const auto layers = static_cast<double>(payload.compressed_layers);
  const double headers = static_cast<double>(layout.buckets) * (kLengthBytes + kHeaderBytes);
  const SparseBytes bytes = sparse_bytes(payload, local * ranks);
  const double parts =
      peers / ranks * local * bytes.to_owners + peers * (headers + kSectionBytes * layers * local * local);
  const double sums = peers * (local * bytes.selected + headers + 2.0 * kSectionBytes * layers * local);
  Traffic traffic = exchange_with_peers(layout, peers, parts);
  traffic += exchange_with_peers(layout, peers, sums);
  return traffic;
}

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  rounds += other.rounds;
  messages += other.messages;
  path_bytes += other.path_bytes;
  sent_bytes += other.sent_bytes;
  return *this;
}

Traffic gradient_traffic(const Payload& payload, const Layout& layout) {
  Traffic all;
  if (layout.ranks < 2) return all;
  const double peers = layout.ranks - 1.0;
  if (payload.float32_bytes > 0.0) {
    all += summed(layout, peers, payload.float32_bytes, payload.float32_bytes, payload.float32_bytes / 4.0);
  }
  if (payload.float16_bytes > 0.0) {
    // One learner's values fit 16 bits; a sum of several travels to its owner as float32.
    const double to_owner = payload.float16_bytes * (layout.learners_per_rank == 1 ? 1.0 : 2.0);
    all += summed(layout, peers, to_owner, payload.float16_bytes, payload.float16_bytes / 2.0);
  }
  if (payload.index_bytes > 0.0) all += broadcast(layout, peers, payload);
  if (payload.gathered_bytes > 0.0) all += gathered(layout, peers, payload);
  if (payload.sparse_elements > 0.0) all += sparse(layout, peers, payload);
  return all;
}

Traffic loss_traffic(const Layout& layout) {
  if (layout.ranks < 2) return {};
  const double peers = layout.ranks - 1.0;
  const double bytes = peers * kScoreBytes * layout.learners_per_rank;
  return {.rounds = 1.0, .messages = peers, .path_bytes = bytes, .sent_bytes = bytes};
}

double payload_bytes(const Payload& payload, double learners) {
  double bytes =
      payload.float32_bytes + payload.float16_bytes + payload.index_bytes / learners + payload.gathered_bytes;
  if (payload.sparse_elements > 0.0) {
    const SparseBytes parts = sparse_bytes(payload, learners);
    bytes += parts.to_owners + parts.selected;
  }
  return bytes;
}

}  // namespace sterna::projection
