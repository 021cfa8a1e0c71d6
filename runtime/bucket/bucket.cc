#include "runtime/bucket/bucket.h"

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

}  // namespace sterna::bucket
