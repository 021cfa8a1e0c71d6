// Whether what a rank has to say of a bucket is sure to fit a message, whose lengths have 32 bits
// (wire/message.h): known from settings and shapes, before a step. Internal to the exchange.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/bucket/bucket.h"
#include "runtime/exchange/layer.h"

namespace sterna::exchange {

// Of all layers, as their settings have them.
struct MessageScope {
  const tensor::ParameterTable& table;
  std::span<const Layer> layers;  // by parameter
  Gather gather;
  std::uint32_t learners;        // L
  std::uint32_t local_learners;  // L / P
};

// Returns why a message of this bucket could be longer than 2^32 - 1 bytes, whatever the gradients are, and
// what to try; empty if none can. The same on every rank. Names the parameter that takes most of it.
[[nodiscard]] std::string why_too_long(const MessageScope& scope, const bucket::GradientBucket& bucket);

// The same of some buckets.
[[nodiscard]] std::string why_too_long(const MessageScope& scope,
                                       std::span<const bucket::GradientBucket> buckets);

}  // namespace sterna::exchange
