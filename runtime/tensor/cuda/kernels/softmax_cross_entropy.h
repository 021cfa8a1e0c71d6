// The loss of a classifier, row by row: a warp for each. As ../../cross_entropy.h has it, but
// for the order of sums and the last bits of exponentials.
#pragma once

#include <cmath>
#include <limits>

#include "runtime/tensor/cuda/kernels/elementwise.h"

namespace sterna::tensor::cuda {

template <typename Context>
STERNA_DEVICE float warp_max(Context& context, float value) {
  for (unsigned lanes = kWarpLanes / 2; lanes > 0; lanes /= 2) {
    const float other = context.shuffle_xor(value, lanes);
    if (other > value) value = other;
  }
  return value;
}

struct ScoreRows {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* logits, const std::int32_t* labels,
                                LossExtents extents, double weight, double smoothing, RowScores out,
                                float* gradients) {
    const std::size_t row = grid_warp(context);
    if (row >= extents.rows) return;
    const float* const x = logits + row * extents.classes;
    float* const gradient = gradients + row * extents.classes;
    const std::int32_t label = labels[row];
    if (label < 0) {
      for (std::uint32_t c = context.lane(); c < extents.classes; c += kWarpLanes) gradient[c] = 0.0f;
      if (context.lane() == 0) out.losses[row] = 0.0;
      if (context.lane() == 0) out.is_correct[row] = 0;
      return;
    }
    const auto target = static_cast<std::uint32_t>(label);
    float largest = -std::numeric_limits<float>::infinity();
    for (std::uint32_t c = context.lane(); c < extents.classes; c += kWarpLanes) {
      if (x[c] > largest) largest = x[c];
    }
    largest = warp_max(context, largest);
    // Shifted by the largest, no exponential overflows, and their sum is at least 1.
    double sum = 0.0;
    double all = 0.0;
    bool has_earlier = false;
    for (std::uint32_t c = context.lane(); c < extents.classes; c += kWarpLanes) {
      const float exponential = std::exp(x[c] - largest);
      gradient[c] = exponential;
      sum += static_cast<double>(exponential);
      all += static_cast<double>(x[c]) - static_cast<double>(largest);
      has_earlier = has_earlier || (c < target && x[c] == largest);
    }
    sum = warp_sum(context, sum);
    all = warp_sum(context, all);
    const bool is_first = context.ballot(has_earlier) == 0 && x[target] == largest;
    double expected = static_cast<double>(x[target]) - static_cast<double>(largest);
    if (smoothing > 0.0) {
      expected = (1.0 - smoothing) * expected + smoothing * all / static_cast<double>(extents.classes);
    }
    const double loss = std::log(sum) - expected;
    const auto scale = static_cast<float>(weight / sum);
    const auto to_all = static_cast<float>(weight * smoothing / static_cast<double>(extents.classes));
    const auto at_label = static_cast<float>(weight * (1.0 - smoothing));
    for (std::uint32_t c = context.lane(); c < extents.classes; c += kWarpLanes) {
      gradient[c] = gradient[c] * scale - to_all - (c == target ? at_label : 0.0f);
    }
    if (context.lane() != 0) return;
    out.losses[row] = loss;
    out.is_correct[row] = loss == loss && is_first ? 1 : 0;
  }
};

// Whether fewer than five classes come before a row's label when logits are sorted, the largest first and the
// lower class first on a tie.
struct FindTop5 {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* logits, const std::int32_t* labels,
                                LossExtents extents, const double* losses, std::uint32_t* is_in_top5) {
    const std::size_t row = grid_warp(context);
    if (row >= extents.rows) return;
    const float* const x = logits + row * extents.classes;
    const std::int32_t label = labels[row];
    const bool counts = label >= 0 && losses[row] == losses[row];
    const std::uint32_t target = counts ? static_cast<std::uint32_t>(label) : 0;
    std::uint32_t before = 0;
    for (std::uint32_t c = context.lane(); c < extents.classes; c += kWarpLanes) {
      before += x[c] > x[target] || (x[c] == x[target] && c < target) ? 1 : 0;
    }
    before = warp_sum(context, before);
    if (context.lane() == 0) is_in_top5[row] = counts && before < 5 ? 1 : 0;
  }
};

}  // namespace sterna::tensor::cuda
