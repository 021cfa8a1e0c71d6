// Sums in an order: of maxima as a loop adds them, of counts, and of learners as the tree adds them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "compressors/gpu/counts.h"
#include "compressors/gpu/sum_in_order.h"
#include "compressors/gpu/sums.h"
#include "runtime/core/rng.h"
#include "runtime/device/host_context.h"

namespace sterna::compressors::gpu {
namespace {

using Values = std::vector<float>;

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct SumMagnitudes {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = SumShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, MagnitudeList magnitudes, double* sums) {
    const double sum = sum_in_order(context, shared, magnitudes);
    sums[context.thread()] = sum;
  }
};

// That all threads have the bits of the loop.
void expect_sum_of(const Values& magnitudes) {
  double expected = 0.0;
  for (const float magnitude : magnitudes) expected += static_cast<double>(magnitude);
  std::vector<double> sums(kBlockThreads, -1.0);
  device::HostLauncher launch;
  launch(SumMagnitudes{}, 1, MagnitudeList{magnitudes.data(), magnitudes.size()}, sums.data());
  for (const double sum : sums)
    ASSERT_EQ(std::bit_cast<std::uint64_t>(sum), std::bit_cast<std::uint64_t>(expected));
}

Values magnitudes_of(std::size_t n, const std::function<float(std::uint32_t)>& from_bits) {
  Values magnitudes(n);
  for (std::size_t i = 0; i < n; ++i) magnitudes[i] = from_bits(random_bits({.seed = n}, i));
  return magnitudes;
}

constexpr std::size_t kLengths[] = {0, 1, 2, 15, 16, 17, 255, 256, 4095, 4096, 4097, 10000};

TEST(SumInOrder, RoundsAsALoopDoesWhateverTheMagnitudes) {
  for (const std::size_t n : kLengths) {
    SCOPED_TRACE(n);
    // Of one size; over 2^32; any finite float32, so that most are lost in the sum.
    expect_sum_of(
        magnitudes_of(n, [](std::uint32_t bits) { return 1.0f + static_cast<float>(bits >> 9) * 0x1p-23f; }));
    expect_sum_of(magnitudes_of(n, [](std::uint32_t bits) {
      return std::ldexp(1.0f + static_cast<float>(bits >> 9) * 0x1p-23f, -static_cast<int>(bits % 32));
    }));
    expect_sum_of(
        magnitudes_of(n, [](std::uint32_t bits) { return std::bit_cast<float>(bits % 0x7f800000u); }));
    expect_sum_of(
        magnitudes_of(n, [](std::uint32_t bits) { return std::bit_cast<float>(bits % 0x00800000u); }));
  }
}

// 1 has a unit in the last place of 2^-52: 2^-53 is half of it, and goes to the even neighbour. An odd number
// of units comes of 2^-52, after which the next half goes up.
TEST(SumInOrder, RoundsHalvesToTheEvenSum) {
  constexpr float kHalf = 0x1p-53f, kUnit = 0x1p-52f;
  expect_sum_of({1.0f, kHalf});
  expect_sum_of({1.0f, kUnit, kHalf});
  for (const std::size_t n : kLengths) {
    SCOPED_TRACE(n);
    Values magnitudes = magnitudes_of(n, [](std::uint32_t bits) {
      return bits % 3 == 0 ? kUnit : bits % 3 == 1 ? kHalf : 3 * kHalf;
    });
    magnitudes.insert(magnitudes.begin(), 1.0f);
    expect_sum_of(magnitudes);
    // The same just below a power of two, where the unit doubles on the way.
    magnitudes.front() = 0x1.fffffep0f;
    magnitudes.insert(magnitudes.begin() + 1, 0x1.fffffep-24f);
    expect_sum_of(magnitudes);
  }
}

TEST(SumInOrder, KeepsAnInfiniteSumAndTheLeastOnes) {
  expect_sum_of({kInfinity});
  expect_sum_of({1.0f, kInfinity, 1.0f});
  expect_sum_of({kSmallest, kSmallest, 0.0f, kSmallest});
  expect_sum_of({0x1p-96f, kSmallest, 0x1p-97f, 0x1p-97f});
  expect_sum_of({kLargest, kSmallest, kLargest});
  expect_sum_of(Values(5000, kLargest));
  expect_sum_of(Values(5000, 0.0f));
}

TEST(SumInOrder, EndsWithNaNs) {
  const Values magnitudes = {1.0f, std::numeric_limits<float>::quiet_NaN(), 1.0f};
  std::vector<double> sums(kBlockThreads);
  device::HostLauncher launch;
  launch(SumMagnitudes{}, 1, MagnitudeList{magnitudes.data(), magnitudes.size()}, sums.data());
  EXPECT_TRUE(std::isnan(sums[0]));
}

// Of lists that are one behind the other, and longer than what a block sums in one turn.
TEST(SumCountsBefore, SumsEachListByItself) {
  constexpr std::size_t kLists = 2;
  for (const std::size_t tiles : {0u, 1u, 7u, 2047u, 2048u, 2049u, 30000u}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      std::vector<std::uint32_t> counts(kLists * counts_room(tiles), 77);
      std::vector<std::uint32_t> expected = counts;
      for (std::size_t list = 0; list < kLists; ++list) {
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < counts_room(tiles); ++i) {
          const std::size_t at = list * counts_room(tiles) + i;
          counts[at] = i == tiles ? 77 : random_bits({.seed = seed + 1}, at) % 2049;
          expected[at] = sum;
          sum += counts[at];
        }
      }
      device::HostLauncher launch({.seed = seed});
      launch(SumCountsBefore{}, kLists, counts.data(), tiles);
      ASSERT_EQ(counts, expected) << tiles << " tiles";
    }
  }
}

// The tree as it is defined: split at the largest power of two below the number.
float tree_sum(const std::vector<Values>& learners, std::size_t first, std::size_t count, std::size_t i) {
  if (count == 1) return learners[first][i];
  const std::size_t half = std::bit_floor(count - 1);
  return tree_sum(learners, first, half, i) + tree_sum(learners, first + half, count - half, i);
}

template <ValueFormat kFormat>
void expect_tree_sums(std::uint32_t learners, std::size_t n) {
  const std::size_t value_bytes = numerics::bytes_per_value(kFormat);
  const std::size_t stride = (n + 3) * value_bytes;
  std::vector<std::byte> payloads(learners * stride);
  std::vector<Values> values(learners, Values(n));
  for (std::uint32_t learner = 0; learner < learners; ++learner) {
    for (std::size_t i = 0; i < n; ++i) values[learner][i] = random_normal({.seed = learner + 1}, i);
    const std::span<std::byte> own = std::span(payloads).subspan(learner * stride, n * value_bytes);
    numerics::pack_values(values[learner], kFormat, own);
    numerics::unpack_values(own, kFormat, values[learner]);
  }
  Values sum(n, -7.0f), mean(n, -7.0f);
  device::HostLauncher launch;
  sum_payloads<kFormat>(launch, payloads, stride, learners, Total::kSum, sum);
  sum_payloads<kFormat>(launch, payloads, stride, learners, Total::kMean, mean);
  for (std::size_t i = 0; i < n; ++i) {
    const float expected = tree_sum(values, 0, learners, i);
    ASSERT_EQ(sum[i], expected) << learners << " learners, element " << i;
    ASSERT_EQ(mean[i], expected / static_cast<float>(learners));
  }
}

TEST(SumPayloads, AddsInTheOrderOfTheTree) {
  for (const std::uint32_t learners : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 13u, 64u, 100u}) {
    expect_tree_sums<ValueFormat::kFloat32>(learners, 33);
    expect_tree_sums<ValueFormat::kFloat16>(learners, 33);
    expect_tree_sums<ValueFormat::kBfloat16>(learners, 300);
  }
  expect_tree_sums<ValueFormat::kFloat32>(3, 0);
}

TEST(SumPayloads, RefusesAnImpossibleNumberOfLearners) {
  device::HostLauncher launch;
  EXPECT_THROW(sum_payloads<ValueFormat::kFloat32>(launch, {}, 0, 0, Total::kSum, {}), InternalError);
  EXPECT_THROW(sum_payloads<ValueFormat::kFloat32>(launch, {}, 0, 65537, Total::kSum, {}), InternalError);
}

TEST(FindNonFinite, FindsInfinitiesAndNaNsWhereverTheyAre) {
  device::HostLauncher launch;
  for (const std::size_t n : {0u, 1u, 33u, 600u}) {
    Values values(n, kLargest);
    std::uint32_t is_found = 7;
    find_non_finite(launch, values, &is_found);
    EXPECT_EQ(is_found, 0u);
    for (const float wild : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
      for (const std::size_t at : {std::size_t{0}, n / 2, n - 1}) {
        if (n == 0) continue;
        values[at] = wild;
        find_non_finite(launch, values, &is_found);
        EXPECT_EQ(is_found, 1u) << n << " values, " << at;
        values[at] = -kLargest;
      }
    }
  }
}

}  // namespace
}  // namespace sterna::compressors::gpu
