// What becomes of all learners' payloads: the sum in the order of the tree over learners, and the mean. And
// whether a gradient is finite, which is asked before it is encoded.
#pragma once

#include <span>

#include "compressors/gpu/block.h"
#include "runtime/core/errors.h"
#include "runtime/numerics/value_format.h"

namespace sterna::compressors::gpu {

using numerics::ValueFormat;

template <ValueFormat kFormat>
STERNA_DEVICE float load_value(const std::byte* values, std::size_t i) {
  if constexpr (kFormat == ValueFormat::kFloat32) {
    return reinterpret_cast<const float*>(values)[i];
  } else {
    const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(values)[i];
    return kFormat == ValueFormat::kFloat16 ? numerics::float32_from_float16(bits)
                                            : numerics::float32_from_bfloat16(bits);
  }
}

template <ValueFormat kFormat>
STERNA_DEVICE void store_value(float value, std::byte* values, std::size_t i) {
  if constexpr (kFormat == ValueFormat::kFloat32) {
    reinterpret_cast<float*>(values)[i] = value;
  } else {
    reinterpret_cast<std::uint16_t*>(values)[i] = kFormat == ValueFormat::kFloat16
                                                      ? numerics::float16_from_float32(value)
                                                      : numerics::bfloat16_from_float32(value);
  }
}

// sum[i] of value i of all learners, as exchange::TreeAccumulator adds them: halves of the largest power of
// two below their number, and so on. One pass: reads a value of each learner, writes 4 bytes.
//   payloads  learner l's `values` values begin at payloads + l * stride_bytes, a multiple of their size
//   learners  1 to kMaxLearners
template <ValueFormat kFormat>
struct SumInTree {
  static constexpr unsigned kThreads = kBlockThreads;
  static constexpr unsigned kLevels = 17;
  static constexpr std::uint32_t kMaxLearners = 1u << (kLevels - 1);
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const std::byte* payloads,
                                std::size_t stride_bytes, std::uint32_t learners, std::size_t values,
                                float* sum) {
    const std::size_t i = grid_thread(context);
    if (i >= values) return;
    // partial[k]: of 2^k learners, if bit k of the number of those seen is set. Like carrying in a counter.
    // Indices that are known when it is compiled: they stay in registers.
    float partial[kLevels];
    for (std::uint32_t learner = 0; learner < learners; ++learner) {
      float carried = load_value<kFormat>(payloads + learner * stride_bytes, i);
      bool is_carried = true;
      for (unsigned level = 0; level < kLevels; ++level) {
        if (!is_carried) break;
        if ((learner >> level & 1) != 0) {
          carried = partial[level] + carried;
        } else {
          partial[level] = carried;
          is_carried = false;
        }
      }
    }
    // What is left are powers of two: the tree joins the smallest first.
    float total = 0.0f;
    bool has_total = false;
    for (unsigned level = 0; level < kLevels; ++level) {
      if ((learners >> level & 1) == 0) continue;
      total = has_total ? partial[level] + total : partial[level];
      has_total = true;
    }
    sum[i] = total;
  }
};

// The step from a sum to what is handed on: values[i] /= learners.
struct DivideByLearners {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, float* values, std::size_t count, float learners) {
    const std::size_t i = grid_thread(context);
    if (i < count) values[i] /= learners;
  }
};

// Sets *is_found to 1 if a value is infinite or NaN; reads 4 bytes an element.
struct FindNonFinite {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* values, std::size_t count,
                                std::uint32_t* is_found) {
    constexpr std::uint32_t kInfinity = 0x7f800000;
    const std::size_t i = grid_thread(context);
    const std::uint32_t votes = context.ballot(i < count && magnitude_bits(values[i]) >= kInfinity);
    if (votes != 0 && context.lane() == 0) context.atomic_or(is_found, std::uint32_t{1});
  }
};

// The last step of gathered payloads, which accumulate() has added up in learner order.
template <typename Launcher>
void divide_by_learners(Launcher& launch, std::span<float> values, std::uint32_t learners) {
  launch(DivideByLearners{}, ceil_div(values.size(), kBlockThreads), values.data(), values.size(),
         static_cast<float>(learners));
}

// Enqueues the sum of one value of each of so many learners' payloads, and, if they are to be a mean, the
// division.
//   payloads  as SumInTree has them; learners 1 to SumInTree<>::kMaxLearners
enum class Total { kSum, kMean };

template <ValueFormat kFormat, typename Launcher>
void sum_payloads(Launcher& launch, std::span<const std::byte> payloads, std::size_t stride_bytes,
                  std::uint32_t learners, Total total, std::span<float> out) {
  STERNA_CHECK(learners >= 1u);
  STERNA_CHECK(learners <= SumInTree<kFormat>::kMaxLearners);
  const std::size_t blocks = ceil_div(out.size(), kBlockThreads);
  launch(SumInTree<kFormat>{}, blocks, payloads.data(), stride_bytes, learners, out.size(), out.data());
  if (total == Total::kMean) divide_by_learners(launch, out, learners);
}

// Sets *is_found to 1 if a value is infinite or NaN, else to 0. A gradient that is not finite is refused
// before it is encoded, as exchange::Exchange does.
template <typename Launcher>
void find_non_finite(Launcher& launch, std::span<const float> values, std::uint32_t* is_found) {
  launch.zero(is_found, sizeof *is_found);
  launch(FindNonFinite{}, ceil_div(values.size(), kBlockThreads), values.data(), values.size(), is_found);
}

}  // namespace sterna::compressors::gpu
