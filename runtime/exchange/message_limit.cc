#include "runtime/exchange/message_limit.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "compressors/settings.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/sparse_part.h"
#include "runtime/wire/message.h"

namespace sterna::exchange {
namespace {

using compressors::ElementValues;
using compressors::Exchange;

constexpr std::size_t kMostBytes = std::numeric_limits<std::uint32_t>::max();

// Of one layer in one message.
struct Share {
  std::size_t sections = 0;
  std::size_t payload_bytes = 0;  // the most of all sections together

  // Sections begin at multiples of 4 on a device. What is too long by itself counts as just that, so that
  // sums over many layers fit 64 bits.
  [[nodiscard]] std::size_t bytes() const {
    constexpr std::size_t kAlignment = 4;
    return std::min(payload_bytes + sections * (kAlignment + wire::kMessageLengthBytes), kMostBytes + 1);
  }
};

Share share_of_gathered(const MessageScope& scope, const Layer& layer) {
  const std::size_t local = scope.local_learners;
  return {.sections = local,
          .payload_bytes = local * std::min(layer.configured->max_payload_bytes(), kMostBytes)};
}

// Between the learners of one rank and the owners on another: what the learners send of the owners' parts, or
// what the owners have selected of them, whichever is more. Either is a number of elements, however these are
// dealt to owners, of which each has a scale, or the length of what it sent, and a byte that is not full.
Share share_of_sparse_sum(const MessageScope& scope, const Layer& layer) {
  constexpr std::size_t kOfAnOwner = sizeof(std::uint32_t) + 1;
  const std::size_t local = scope.local_learners;
  const std::size_t elements = layer.plan.shape.elements;
  const Partition parts(elements, scope.learners);
  // dryden rounds twice, once for each sign.
  const std::optional<double> rate = layer.configured->rate();
  const std::size_t sent = rate ? compressors::kept_elements(elements, *rate) + 2 : elements;
  const std::size_t of_owners = std::min(sent, local * parts.blocks());
  const SparsePart said(parts, 0, layer.configured->element_values().value());
  const SparsePart selected(parts, 0, ElementValues::kFloats);
  const std::size_t said_bytes = local * (said.max_bytes(of_owners) + local * kOfAnOwner);
  // An owner selects as many as a learner sends it in the mean, rounded up.
  const std::size_t selected_bytes = selected.max_bytes(of_owners + local) + local * kOfAnOwner;
  return {.sections = local * local, .payload_bytes = std::max(said_bytes, selected_bytes)};
}

Share share_of(const MessageScope& scope, const Layer& layer, Exchange pattern) {
  if (layer.configured->exchange() != pattern) return {};
  if (pattern == Exchange::kLeaderIndexed)
    return {.sections = 1, .payload_bytes = layer.configured->max_index_bytes()};
  return scope.gather == Gather::kSparseSum ? share_of_sparse_sum(scope, layer)
                                            : share_of_gathered(scope, layer);
}

std::string refusal(const MessageScope& scope, const bucket::GradientBucket& bucket, const Layer& largest) {
  std::vector<std::string> remedies;
  if (largest.configured->rate()) remedies.emplace_back("raise the rate");
  if (scope.local_learners > 1) remedies.emplace_back("host fewer learners on a rank");
  if (bucket.parameters.size() > 1) remedies.emplace_back("cut shorter buckets");
  remedies.emplace_back("split the parameter");
  return cat("[exchange] elements of ", scope.table[largest.parameter].name, " = ",
             largest.plan.shape.elements, " with compressor = ", largest.plan.name, " and ",
             scope.local_learners, " learners a rank: a message of its bucket may have more than ",
             kMostBytes, " bytes, the most that its lengths can say; ", joined(remedies, ", or "));
}

}  // namespace

std::string why_too_long(const MessageScope& scope, const bucket::GradientBucket& bucket) {
  for (const Exchange pattern : {Exchange::kGathered, Exchange::kLeaderIndexed}) {
    std::size_t message_bytes = wire::kMessageHeaderBytes;
    const Layer* largest = nullptr;
    std::size_t largest_bytes = 0;
    for (const std::size_t parameter : bucket.parameters) {
      const std::size_t bytes = share_of(scope, scope.layers[parameter], pattern).bytes();
      message_bytes += bytes;
      if (bytes <= largest_bytes) continue;
      largest = &scope.layers[parameter];
      largest_bytes = bytes;
    }
    if (message_bytes > kMostBytes) return refusal(scope, bucket, *largest);
  }
  return "";
}

std::string why_too_long(const MessageScope& scope, std::span<const bucket::GradientBucket> buckets) {
  for (const bucket::GradientBucket& bucket : buckets) {
    if (std::string why = why_too_long(scope, bucket); !why.empty()) return why;
  }
  return "";
}

}  // namespace sterna::exchange
