// Parameters whose gradients travel in one message.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/tensor/parameter_table.h"

namespace sterna::bucket {

struct GradientBucket {
  std::size_t index = 0;  // in [0, buckets)
  std::vector<std::size_t>
      parameters;  // indices into the parameter table, in the order backward finishes them
  std::size_t elements = 0;
};

// How buckets are cut until they are chosen by measurement, and where nothing is overlapped.
inline constexpr std::size_t kFirstBucketBytes = 4u << 20;

// Groups all parameters, last layer first: that is the order in which backward finishes them. A bucket is
// closed once it holds `bucket_bytes` of float32 gradient; a parameter is never split, so one may be larger.
// Which parameters share a bucket changes what a message costs, never a result.
[[nodiscard]] std::vector<GradientBucket> plan_buckets(const tensor::ParameterTable& table,
                                                       std::size_t bucket_bytes);

// The number of buckets of which least is exposed after backward. Each costs the time of its messages,
// however short they are; and of the time that the bytes take, the last bucket's share cannot be hidden. The
// sum of both, N message_seconds + bytes_seconds / N, is least at N = sqrt(bytes_seconds / message_seconds).
//   exchange_seconds  of a whole step in `buckets` buckets
//   message_seconds   of one bucket without bytes
// Returns a number in [1, most].
[[nodiscard]] std::size_t best_bucket_count(double exchange_seconds, std::size_t buckets,
                                            double message_seconds, std::size_t most);

}  // namespace sterna::bucket
