#include "runtime/exchange/mean.h"

#include <algorithm>

#include "runtime/collectives/ordered_sum.h"
#include "runtime/exchange/tree_accumulator.h"

namespace sterna::exchange {

AlignedVector<float> mean_over_learners(collectives::Communicator& comm,
                                        std::span<const AlignedVector<float>> local, std::uint32_t learners,
                                        bool sum_in_any_order) {
  TreeAccumulator accumulator;
  accumulator.restart(local.front().size());
  for (const AlignedVector<float>& arena : local) {
    std::ranges::copy(arena, accumulator.next().begin());
    accumulator.push();
  }
  const std::span<float> sum = accumulator.sum();
  collectives::OrderedSumOptions options;
  options.finish = [count = static_cast<float>(learners)](std::span<float> segment) {
    for (float& value : segment) value /= count;
  };
  options.in_any_order = sum_in_any_order;
  collectives::ordered_sum(comm, sum, options);
  return {sum.begin(), sum.end()};
}

}  // namespace sterna::exchange
