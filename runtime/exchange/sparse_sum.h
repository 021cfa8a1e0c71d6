// The part of a bucket whose payloads are choices of elements, summed by owners: what a rank sends does not
// grow with the number of learners on other ranks.
//
//   1  Each layer's elements are dealt to L parts (partition.h), one owned by each learner. What a learner's
//   compressor
//      sends goes to the owners, each element to one.
//   2  An owner adds up its part, in learner order, and selects anew: of c elements that came, from all
//   learners
//      together, the ceil(c / L) sums of the largest magnitude. Ties go to the lower index; a sum of 0 is not
//      selected.
//   3  The selected sums go to all ranks and are divided by L.
//   4  A learner whose element was sent but not selected takes it back into its residue.
//
// So about as many elements as one learner sends make up the mean, whatever L is, and nothing is lost:
// selected sums and residues add up to gradients and old residues. Every step of this knows learners only:
// the bits do not depend on ranks. Source: Li and Hoefler, "Near-Optimal Sparse Allreduce for Distributed
// Deep Learning", PPoPP 2022 (arXiv:2201.07598), which splits the layer at thresholds and borders that it
// estimates.
//
//   message kParts := sections sender by sender, layer by layer, owner by owner of the rank that it is for
//           section := part                 sparse_part.h, of the compressor's kind of values
//   message kSums  := sections owner by owner, layer by layer
//           section := said  part           kFloats
//           said    := 4 bytes              bytes that the owner, as a learner, had to say of the layer in
//           step 1
//
// Internal to the exchange.
#pragma once

#include <vector>

#include "runtime/collectives/levels.h"
#include "runtime/exchange/layer.h"
#include "runtime/exchange/partition.h"
#include "runtime/wire/message.h"

namespace sterna::exchange {

class SparseSumExchange {
 public:
  // Handles the kGathered layers of `work`, whose compressors choose elements; the others are passed over.
  // Collective.
  void run(collectives::Levels& levels, const BucketStep& work, ExchangeRecord& record);

 private:
  // What came of one element, or all of it once it is summed.
  struct Contribution {
    std::uint32_t index;
    std::uint32_t learner;
    float value;
  };

  void encode(const BucketStep& work);
  void encode_layer(const BucketStep& work, std::size_t local_learner, std::size_t layer,
                    std::vector<wire::MessageWriter>& writers);
  void open_messages(const BucketStep& work, wire::MessageKind kind, std::size_t sections);
  [[nodiscard]] std::span<const std::byte> sum_parts(const BucketStep& work);
  void sum_part(const BucketStep& work, std::size_t local_owner, std::size_t layer);
  void select_largest(std::size_t most);
  void decode_layer(const BucketStep& work, std::size_t layer);
  void take_back(const BucketStep& work, std::size_t layer);

  [[nodiscard]] Partition partition(const BucketStep& work, std::size_t layer) const;

  std::vector<Layer*> layers_;  // the kGathered layers of the bucket

  // Step 1. By local learner and layer: what was sent, and its bytes.
  std::vector<std::vector<compressors::Element>> sent_;
  std::vector<std::size_t> said_bytes_;
  std::vector<std::byte> payload_;
  std::vector<std::vector<compressors::Element>> by_part_;  // of one learner and layer: [L]
  std::vector<std::vector<std::byte>> message_buffers_;     // by rank
  std::vector<std::span<const std::byte>> messages_;        // by rank
  std::vector<WireBytes> message_parts_;                    // by rank

  collectives::GatheredBlocks blocks_;
  std::vector<wire::MessageReader> readers_;  // by rank

  // Steps 2 and 3.
  std::vector<Contribution> contributions_;  // to one part
  std::vector<compressors::Element> sums_;   // of one part, or of all
  std::vector<std::byte> sum_message_;
  WireBytes sum_message_parts_;
};

}  // namespace sterna::exchange
