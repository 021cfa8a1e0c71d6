#include "runtime/bucket/bucket.h"

#include <algorithm>
#include <cmath>

namespace sterna::bucket {

std::vector<GradientBucket> plan_buckets(const tensor::ParameterTable& table, std::size_t bucket_bytes) {
  std::vector<GradientBucket> buckets;
  bool is_open = false;
  for (std::size_t i = table.size(); i-- > 0;) {
    if (!is_open) buckets.push_back({.index = buckets.size(), .parameters = {}, .elements = 0});
    GradientBucket& bucket = buckets.back();
    bucket.parameters.push_back(i);
    bucket.elements += table[i].elements;
    is_open = bucket.elements * sizeof(float) < bucket_bytes;
  }
  return buckets;
}

std::size_t best_bucket_count(double exchange_seconds, std::size_t buckets, double message_seconds,
                              std::size_t most) {
  const double bytes_seconds = exchange_seconds - static_cast<double>(buckets) * message_seconds;
  if (bytes_seconds <= message_seconds || most < 2) return 1;
  const double best = std::round(std::sqrt(bytes_seconds / message_seconds));
  return best < static_cast<double>(most) ? std::max(static_cast<std::size_t>(best), std::size_t{1}) : most;
}

}  // namespace sterna::bucket
