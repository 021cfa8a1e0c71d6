// The sum over learners, in an order that does not depend on the number of ranks (tree_order.h).
//
// A rank that hosts a power of two of learners hosts a complete subtree, so it may sum its own first: the
// tree over ranks then continues the tree over learners.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "runtime/collectives/communicator.h"
#include "runtime/collectives/tree_order.h"
#include "runtime/numerics/value_format.h"

namespace sterna::collectives {

// Values in a piece, at most: 1 MB. With 100 MB on two ranks over 1 Gbit/s, 1 MB pieces, six under way, took
// 0.96 s; 2 MB, four under way, 1.09 s; 4 MB, three under way, 1.17 s (medians of 5, on a machine with other
// work). In shared memory the differences between 0.5 and 4 MB were no greater than those between runs.
inline constexpr std::size_t kPieceValues = std::size_t{1} << 18;

struct OrderedSumOptions {
  // How values travel to the rank that sums them. Other than float32 only where every value is exactly
  // representable in the format: then no bit is lost.
  numerics::ValueFormat to_owner = numerics::ValueFormat::kFloat32;
  // How sums travel back. `finish` is applied first, and its result is rounded to this format, on every rank
  // alike.
  numerics::ValueFormat from_owner = numerics::ValueFormat::kFloat32;
  // Applied to each summed segment, once, by the rank that summed it, before it is rounded and sent back. On
  // a device the sums are enqueued, not there yet: it enqueues too, on the communicator's stream.
  std::function<void(std::span<float>)> finish = {};
  // The library's own all-reduce instead of the tree: --sum-order any. Values are then float32 on the wire,
  // and every rank applies `finish` to all of them and rounds the result to from_owner.
  bool in_any_order = false;
};

// Replaces `values` on every rank by finish(sum over ranks), rounded to from_owner.
//
// Each rank owns one segment of every piece: segments go to their owners (all-to-all), are summed there in
// tree order and come back (all-gather). Pieces are pipelined: one is under way while the one before is
// summed. Each rank sends (P - 1) / P of the values in each of the two formats.
//   values  [n] float32, in the host's memory or the communicator's device's, the same n on every rank; n may
//           be 0
// Collective. On a device the sums may still be on their way when it returns: Memory::settle(). Throws
// CommError.
void ordered_sum(Communicator& comm, std::span<float> values, const OrderedSumOptions& options);

}  // namespace sterna::collectives
