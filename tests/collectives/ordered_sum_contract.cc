// The ordered sum, on every back-end, against a sum of all learners in one place: the same bits.
#include <bit>

#include "runtime/collectives/levels.h"
#include "runtime/collectives/ordered_sum.h"
#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"

namespace sterna::collectives {
namespace {

using numerics::ValueFormat;

// Around the ranks, around the tiles, around the borders of pieces, and more pieces than are under way at a
// time.
const Lengths kValueCounts = {
    0, 1, 2, 3, 7, 8, 9, 1000, 1025, kPieceValues - 1, kPieceValues, kPieceValues + 1, 13 * kPieceValues + 5};

// A learner's gradient: magnitudes from 2^-8 to 2^7, so that another order of additions gives other bits.
float gradient(std::size_t learner, std::size_t i) {
  const RandomKey key{.seed = 7, .learner = static_cast<std::uint32_t>(learner)};
  const std::uint32_t bits = random_bits(key, i);
  const float magnitude = std::bit_cast<float>((119u + (bits & 15u)) << 23);
  return magnitude * (static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f);
}

// As gradient(), with at most 8 significant bits: exact in bfloat16, and, as its exponents are small, in
// float16.
float short_gradient(std::size_t learner, std::size_t i) {
  const RandomKey key{.seed = 8, .learner = static_cast<std::uint32_t>(learner)};
  const auto bits = static_cast<int>(random_bits(key, i) & 511u);
  return static_cast<float>(bits - 256) * 0x1p-4f;
}

// The definition, in the plainest form: the sum of [first, first + count) is the sum of its parts.
template <typename Gradient>
float tree_sum(const Gradient& gradient_of, std::size_t first, std::size_t count, std::size_t i) {
  if (count == 1) return gradient_of(first, i);
  std::size_t left = 1;
  while (2 * left < count) left *= 2;
  return tree_sum(gradient_of, first, left, i) + tree_sum(gradient_of, first + left, count - left, i);
}

// Gradients repeat after so many values, which keeps long ones cheap to check: a prime, so that no segment,
// tile or piece can take another's place unnoticed.
constexpr std::size_t kPeriod = 4099;

template <typename Gradient>
std::vector<float> tree_sums(const Gradient& gradient_of, std::size_t first, std::size_t count,
                             std::size_t n) {
  std::vector<float> sums(n);
  for (std::size_t i = 0; i < n; ++i) {
    sums[i] = i < kPeriod ? tree_sum(gradient_of, first, count, i) : sums[i - kPeriod];
  }
  return sums;
}

// What the ordered sum makes of these values, where the back-end's blocks lie.
std::vector<float> summed(Communicator& comm, const std::vector<float>& values,
                          const OrderedSumOptions& options = {}) {
  const Values<float> place(values);
  ordered_sum(comm, place.span(), options);
  return place.read();
}

// A `finish` that replaces each value x by change(x).
std::function<void(std::span<float>)> each(const std::function<float(float)>& change) {
  return [change](std::span<float> segment) {
    std::vector<float> values = Values<float>::read(segment);
    for (float& value : values) value = change(value);
    Values<float>::write(values, segment);
  };
}

// Whether two sequences have the same bits, and where they differ first.
testing::AssertionResult same_bits(std::span<const float> got, std::span<const float> expected) {
  if (got.size() != expected.size()) return testing::AssertionFailure() << got.size() << " values";
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(expected[i])) continue;
    return testing::AssertionFailure() << "value " << i << " is " << got[i] << ", expected " << expected[i];
  }
  return testing::AssertionSuccess();
}

TEST_P(CommunicatorContract, OrderedSumAddsInTreeOrder) {
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t n : kValueCounts) {
      SCOPED_TRACE(cat("rank ", comm.rank(), ", n = ", n));
      const std::vector<float> values = summed(comm, tree_sums(gradient, rank_of(comm), 1, n));
      EXPECT_TRUE(same_bits(values, tree_sums(gradient, 0, ranks_of(comm), n)));
    }
  });
}

// 2^m learners on each rank, summed there first: the sum has the bits of one process that sums all learners.
TEST_P(CommunicatorContract, OrderedSumHasTheSameBitsAtAnyNumberOfRanks) {
  constexpr std::size_t kValues = 5000;
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t learners_per_rank : {2u, 4u, 8u}) {
      SCOPED_TRACE(cat("rank ", comm.rank(), ", learners on each ", learners_per_rank));
      const std::vector<float> values =
          summed(comm, tree_sums(gradient, rank_of(comm) * learners_per_rank, learners_per_rank, kValues));
      EXPECT_TRUE(same_bits(values, tree_sums(gradient, 0, ranks_of(comm) * learners_per_rank, kValues)));
    }
  });
}

// A rank sends n values less its own segment to their owners, and its own segment, summed, to P - 1 ranks.
// With n a multiple of P and less than a piece, its segment has n / P values.
TEST_P(CommunicatorContract, OrderedSumMovesTwiceTheShareOfTheOthers) {
  on_all_ranks([](Communicator& comm) {
    const std::size_t segment = 300;
    const std::size_t others = ranks_of(comm) - 1;
    const std::vector<float> values(ranks_of(comm) * segment, 1.0f);
    struct Case {
      ValueFormat to_owner, from_owner;
      std::size_t bytes_per_pair;  // one value out, one back
    };
    for (const Case& c : {Case{ValueFormat::kFloat32, ValueFormat::kFloat32, 8},
                          Case{ValueFormat::kFloat16, ValueFormat::kFloat32, 6},
                          Case{ValueFormat::kFloat32, ValueFormat::kBfloat16, 6},
                          Case{ValueFormat::kBfloat16, ValueFormat::kFloat16, 4}}) {
      const Traffic before = comm.traffic();
      (void)summed(comm, values, {.to_owner = c.to_owner, .from_owner = c.from_owner});
      EXPECT_EQ(traffic_since(before, comm).bytes_sent, others * segment * c.bytes_per_pair);
      EXPECT_EQ(traffic_since(before, comm).bytes_received, others * segment * c.bytes_per_pair);
    }
  });
}

// The sum must be rounded once, at its owner, and reach all ranks as it is: what travels in 2 bytes loses no
// bit on the way out, for every value fits, and the sum is rounded to nearest on the way back.
void expect_rounded_sums(Communicator& comm, ValueFormat format, float (*rounded)(float)) {
  for (const std::size_t n : {0u, 1u, 2u, 9u, 1001u}) {
    SCOPED_TRACE(cat("rank ", comm.rank(), ", n = ", n));
    const std::vector<float> values = summed(comm, tree_sums(short_gradient, rank_of(comm), 1, n),
                                             {.to_owner = format, .from_owner = format});
    std::vector<float> expected = tree_sums(short_gradient, 0, ranks_of(comm), n);
    for (float& value : expected) value = rounded(value);
    EXPECT_TRUE(same_bits(values, expected));
  }
}

TEST_P(CommunicatorContract, OrderedSumTravelsInFloat16) {
  on_all_ranks([](Communicator& comm) {
    expect_rounded_sums(comm, ValueFormat::kFloat16, [](float x) {
      return numerics::float32_from_float16(numerics::float16_from_float32(x));
    });
  });
}

TEST_P(CommunicatorContract, OrderedSumTravelsInBfloat16) {
  on_all_ranks([](Communicator& comm) {
    expect_rounded_sums(comm, ValueFormat::kBfloat16, [](float x) {
      return numerics::float32_from_bfloat16(numerics::bfloat16_from_float32(x));
    });
  });
}

// Each rank holds 1 + 2^-9. In bfloat16, which has 7 fraction bits, that would be 1, or 1 times P in the sum;
// float32 on the way out keeps it. P (1 + 2^-9) is then rounded once: 2^-9 P is below half a unit for P < 8.
TEST_P(CommunicatorContract, OrderedSumRoundsOnlyOnTheWayBack) {
  on_all_ranks([](Communicator& comm) {
    std::vector<float> before_rounding;
    const auto keep = [&](float value) {
      before_rounding.push_back(value);
      return value;
    };
    const std::vector<float> values = summed(comm, std::vector<float>(100, 1.0f + 0x1p-9f),
                                             {.from_owner = ValueFormat::kBfloat16, .finish = each(keep)});
    const auto p = static_cast<float>(comm.ranks());
    for (const float value : before_rounding) EXPECT_EQ(value, p * (1.0f + 0x1p-9f));
    for (const float value : values) EXPECT_EQ(value, p);
  });
}

// finish x -> 2 x + 1 is not the identity when applied twice, nor does it commute with the sum of ranks: 1 +
// ... + P.
TEST_P(CommunicatorContract, OrderedSumFinishesEachValueOnce) {
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{100}, 2 * kPieceValues + 5}) {
      std::uint64_t finished = 0;
      const auto twice_and_one = each([](float x) { return 2.0f * x + 1.0f; });
      const auto finish = [&](std::span<float> segment) {
        EXPECT_FALSE(segment.empty());
        finished += segment.size();
        twice_and_one(segment);
      };
      const std::vector<float> values =
          summed(comm, std::vector<float>(n, static_cast<float>(comm.rank() + 1)), {.finish = finish});
      const auto sum = static_cast<float>(ranks_of(comm) * (ranks_of(comm) + 1) / 2);
      EXPECT_TRUE(same_bits(values, std::vector<float>(n, 2.0f * sum + 1.0f)));

      auto finished_by_all = static_cast<float>(finished);  // below 2^24: exact
      comm.vendor_sum(std::span(&finished_by_all, 1));
      EXPECT_EQ(finished_by_all, static_cast<float>(n));
    }
  });
}

// Two ranks a host where they divide so, else all on one: the order of the sum is that of one level.
TEST_P(CommunicatorContract, OrderedSumOnTwoLevelsHasTheSameBits) {
  on_all_ranks([](Communicator& comm) {
    std::vector<int> host_of_rank;
    for (int rank = 0; rank < comm.ranks(); ++rank) {
      host_of_rank.push_back(comm.ranks() % 2 == 0 ? rank / 2 : 0);
    }
    comm.set_hosts(host_of_rank);
    Levels levels = Levels::two(comm);
    for (const std::size_t n : {std::size_t{1}, std::size_t{1000}, kPieceValues + 1}) {
      const Values<float> values(tree_sums(gradient, rank_of(comm), 1, n));
      levels.ordered_sum(values.span(), {});
      EXPECT_TRUE(same_bits(values.read(), tree_sums(gradient, 0, ranks_of(comm), n)));
    }
  });
}

// In any order: small integers have exact sums. Value i of rank r is r + i; finish halves, and bfloat16
// rounds.
TEST_P(CommunicatorContract, OrderedSumInAnyOrderFinishesAndRoundsToo) {
  on_all_ranks([](Communicator& comm) {
    const std::size_t n = 3000;
    std::vector<float> values(n), expected(n);
    for (std::size_t i = 0; i < n; ++i) {
      values[i] = static_cast<float>(rank_of(comm) + i);
      const auto sum = static_cast<float>(ranks_of(comm) * i + ranks_of(comm) * (ranks_of(comm) - 1) / 2);
      expected[i] = numerics::float32_from_bfloat16(numerics::bfloat16_from_float32(0.5f * sum));
    }
    const Traffic before = comm.traffic();
    values = summed(comm, values,
                    {.from_owner = ValueFormat::kBfloat16,
                     .finish = each([](float x) { return 0.5f * x; }),
                     .in_any_order = true});
    EXPECT_TRUE(same_bits(values, expected));
    EXPECT_EQ(traffic_since(before, comm).bytes_sent, 2 * (ranks_of(comm) - 1) * 4 * n / ranks_of(comm));
  });
}

// What lies between the buffers of two calls must not leak from one to the other.
TEST_P(CommunicatorContract, OrderedSumsOfDifferentLengthsFollowEachOther) {
  on_all_ranks([](Communicator& comm) {
    for (const std::size_t n : {3000u, 17u, 5000u, 1u, 3000u}) {
      for (const ValueFormat format : {ValueFormat::kFloat32, ValueFormat::kFloat16}) {
        const std::vector<float> values =
            summed(comm, tree_sums(short_gradient, rank_of(comm), 1, n), {.to_owner = format});
        EXPECT_TRUE(same_bits(values, tree_sums(short_gradient, 0, ranks_of(comm), n)));
      }
    }
  });
}

}  // namespace
}  // namespace sterna::collectives
