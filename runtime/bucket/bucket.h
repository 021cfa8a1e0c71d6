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

// Groups all parameters, last layer first: that is the order in which backward finishes them. A bucket is
// closed once it holds `bucket_bytes` of float32 gradient; a parameter is never split, so one may be larger.
// Which parameters share a bucket changes what a message costs, never a result.
[[nodiscard]] std::vector<GradientBucket> plan_buckets(const tensor::ParameterTable& table,
                                                       std::size_t bucket_bytes);

}  // namespace sterna::bucket
