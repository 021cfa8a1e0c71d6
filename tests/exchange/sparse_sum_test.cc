#include "runtime/exchange/sparse_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/rng.h"

namespace sterna::exchange {
namespace {

using testing::Each;
using testing::ElementsAre;

using Values = std::vector<float>;

ExchangeOptions options_for(std::string_view compressor, std::uint32_t learners, double rate) {
  ExchangeOptions options;
  options.compressor = compressor;
  options.settings.rate = rate;
  options.dense_layers = "";
  options.learners = learners;
  options.gather = Gather::kSparseSum;
  return options;
}

tensor::ParameterTable one_layer(std::size_t elements) {
  tensor::ParameterTable table;
  table.add({.name = "layer", .shape = {elements}, .kind = tensor::ParameterKind::kFullyConnected});
  return table;
}

// What is known after some steps of one layer.
struct Outcome {
  Values mean;                             // of the last step
  std::vector<Values> residues;            // by learner
  std::vector<std::size_t> payload_bytes;  // by learner
  std::vector<WireBytes> sent;             // by rank, in all steps
};

using GradientOf = std::function<Values(std::uint32_t learner, std::uint64_t step)>;

Outcome run(const ExchangeOptions& options, int ranks, std::uint64_t steps, const GradientOf& gradient_of) {
  const std::size_t elements = gradient_of(0, 0).size();
  const tensor::ParameterTable table = one_layer(elements);
  const auto buckets = bucket::plan_buckets(table, 1);
  Outcome outcome{.mean = {},
                  .residues = std::vector<Values>(options.learners),
                  .payload_bytes = {},
                  .sent = std::vector<WireBytes>(static_cast<std::size_t>(ranks))};
  std::mutex mutex;
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    GradientExchange exchange(comm, table, options);
    const LocalLearners local = exchange.local_learners();
    AlignedVector<float> mean(table.arena_elements(), 7.0f);
    WireBytes sent;
    for (std::uint64_t step = 0; step < steps; ++step) {
      std::vector<AlignedVector<float>> gradients(local.count, AlignedVector<float>(table.arena_elements()));
      for (std::uint32_t l = 0; l < local.count; ++l) {
        std::ranges::copy(gradient_of(local.first + l, step), gradients[l].begin());
      }
      sent += exchange.reduce_to_mean(buckets[0], step, gradients, mean).sent;
    }
    const std::scoped_lock lock(mutex);
    outcome.sent[static_cast<std::size_t>(comm.rank())] = sent;
    for (std::uint32_t l = 0; l < local.count; ++l) {
      const std::span<const float> residue = exchange.residue(l).first(elements);
      outcome.residues[local.first + l].assign(residue.begin(), residue.end());
    }
    if (comm.rank() != 0) return;
    outcome.mean.assign(mean.begin(), mean.begin() + static_cast<std::ptrdiff_t>(elements));
    outcome.payload_bytes = exchange.traffic(0).payload_bytes;
  });
  return outcome;
}

Values normal_gradient(std::size_t elements, std::uint32_t learner, std::uint64_t step) {
  Values values(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    values[i] = random_normal({.learner = learner, .step = static_cast<std::uint32_t>(step)}, i);
  }
  return values;
}

// Of the bin of 500, AdaComp's default, that holds the element.
float max_magnitude_of_bin(const Values& gradient, std::size_t element) {
  float most = 0.0f;
  for (std::size_t i = element / 500 * 500; i < element / 500 * 500 + 500; ++i) {
    most = std::max(most, std::fabs(gradient[i]));
  }
  return most;
}

// Of 5 elements learner 0 owns 0, 3, 4, learner 1 owns 1, 2 (sparse_part_test.cc). Both send k = 2: learner 0
// elements 0 and 3, learner 1 elements 3 and 4. Four came to owner 0, so it selects 2 of the sums 4, 3, -3:
// the tie goes to element 3.
Values by_hand(std::uint32_t learner, std::uint64_t) {
  return learner == 0 ? Values{4, 0, 0.5f, 1, 0} : Values{0, 0.25f, 0, 2, -3};
}

TEST(SparseSum, SelectsTheLargestSumsAndReturnsTheOthers) {
  for (const int ranks : {1, 2}) {
    const Outcome outcome = run(options_for("topk", 2, 2.5), ranks, 1, by_hand);
    EXPECT_THAT(outcome.mean, ElementsAre(2, 0, 0, 1.5f, 0));
    EXPECT_THAT(outcome.residues[0], ElementsAre(0, 0, 0.5f, 0, 0));
    EXPECT_THAT(outcome.residues[1], ElementsAre(0, 0.25f, 0, 0, -3));
    // Two elements are 1 byte of indices and 8 of values: learner 0 sends and selects two, learner 1 sends
    // two.
    EXPECT_THAT(outcome.payload_bytes, ElementsAre(18, 9));
  }
}

TEST(SparseSum, TellsValuesFromIndices) {
  const Outcome outcome = run(options_for("topk", 2, 2.5), 2, 1, by_hand);
  // Rank 0 has nothing for owner 1, and selects two elements; rank 1 has two for owner 0, and selects none. A
  // message has 32 bytes and 4 for its section, its length before it 8; before sums there are 4 bytes.
  for (const WireBytes& sent : outcome.sent) {
    EXPECT_EQ(sent.values, 8u);
    EXPECT_EQ(sent.indices, 1u);
    EXPECT_EQ(sent.headers, 44u + 48u);
    EXPECT_EQ(sent.padding, 0u);
  }
}

// AdaComp, a layer of one bin: learner 0 has |G| = 4, 0, 0, 2, 0 and sends 0 and 3 (|H| = 8 and 4 reach 4) as
// the scale 4; learner 1 sends 3, where G = -6, as -6. Three came to owner 0: it selects 2 of 4, 4 - 6 = -2.
TEST(SparseSum, AddsSignsOfDifferentScales) {
  const GradientOf gradient_of = [](std::uint32_t learner, std::uint64_t) {
    return learner == 0 ? Values{4, 0, 0, 2, 0} : Values{0, 0, 0, -6, 0};
  };
  const Outcome outcome = run(options_for("adacomp", 2, 1), 2, 1, gradient_of);
  EXPECT_THAT(outcome.mean, ElementsAre(2, 0, 0, -1, 0));
  EXPECT_THAT(outcome.residues[0], ElementsAre(0, 0, 0, 2 - 4, 0));
  EXPECT_THAT(outcome.residues[1], Each(0));
  // Scale 4 bytes and two or one code of 4 bits, 1 byte; two sums 9 bytes.
  EXPECT_THAT(outcome.payload_bytes, ElementsAre(5 + 9, 5));
}

TEST(SparseSum, SendsNoSumThatIsZero) {
  const GradientOf opposite = [](std::uint32_t learner, std::uint64_t) {
    return learner == 0 ? Values{2, 0, 0} : Values{-2, 0, 0};
  };
  const Outcome outcome = run(options_for("topk", 2, 3), 2, 1, opposite);
  EXPECT_THAT(outcome.mean, Each(0));
  EXPECT_THAT(outcome.residues[0], ElementsAre(2, 0, 0));
  EXPECT_THAT(outcome.residues[1], ElementsAre(-2, 0, 0));
}

// With small whole numbers all sums are exact, and so is 4 times the mean of 4.
TEST(SparseSum, LosesNothingOfTopK) {
  constexpr std::size_t kElements = 1000;
  const GradientOf whole_numbers = [](std::uint32_t learner, std::uint64_t step) {
    Values values = normal_gradient(kElements, learner, step);
    for (float& value : values) value = std::round(8 * value);
    return values;
  };
  Values left(kElements);  // gradients so far, less what the means had of them
  for (std::uint64_t step = 0; step < 6; ++step) {
    const Outcome outcome = run(options_for("topk", 4, 10), 2, step + 1, whole_numbers);
    Values held(kElements);
    for (std::uint32_t learner = 0; learner < 4; ++learner) {
      const Values gradient = whole_numbers(learner, step);
      for (std::size_t i = 0; i < kElements; ++i) {
        left[i] += gradient[i];
        held[i] += outcome.residues[learner][i];
      }
    }
    for (std::size_t i = 0; i < kElements; ++i) left[i] -= 4 * outcome.mean[i];
    EXPECT_EQ(held, left) << "step " << step;
    // k, and one more an owner at most; not as many as four learners sent.
    EXPECT_LE(kElements - static_cast<std::size_t>(std::ranges::count(outcome.mean, 0.0f)), 100u + 4u);
  }
}

// AdaComp rounds thrice a learner (G, G - scale, and + scale if it is returned), the sum L - 1 times and the
// mean once, each time a value below `most` by 2^-24 of it.
TEST(SparseSum, LosesNothingOfAdaCompButRounding) {
  constexpr std::size_t kElements = 3000;
  const auto gradient_of = [](std::uint32_t learner, std::uint64_t step) {
    return normal_gradient(kElements, learner, step);
  };
  const Outcome outcome = run(options_for("adacomp", 4, 1), 2, 1, gradient_of);
  std::vector<double> came(kElements), most(kElements);
  std::size_t returned = 0;
  for (std::uint32_t learner = 0; learner < 4; ++learner) {
    const Values gradient = gradient_of(learner, 0);
    for (std::size_t i = 0; i < kElements; ++i) {
      const auto residue = static_cast<double>(outcome.residues[learner][i]);
      came[i] += static_cast<double>(gradient[i]) - residue;
      most[i] += std::fabs(gradient[i]) + std::fabs(residue) +
                 4.0;  // 4: the scale, a mean of maxima, is below it here
      returned +=
          outcome.mean[i] == 0.0f && std::fabs(gradient[i]) == max_magnitude_of_bin(gradient, i) ? 1 : 0;
    }
  }
  for (std::size_t i = 0; i < kElements; ++i) {
    const double sum = 4.0 * static_cast<double>(outcome.mean[i]);
    EXPECT_NEAR(sum, came[i], (3 * 4 + 3 + 1) * 0x1p-24 * (most[i] + std::fabs(sum))) << i;
  }
  EXPECT_GT(returned, 0u);  // the largest of a bin is always sent: some came back
}

TEST(SparseSum, IsTheGatheredMeanOfOneLearnerAndOfLearnersThatAgree) {
  for (const char* compressor : {"topk", "adacomp"}) {
    for (const std::uint32_t learners : {1u, 2u, 4u}) {
      const auto alike = [](std::uint32_t, std::uint64_t step) { return normal_gradient(2000, 0, step); };
      ExchangeOptions options = options_for(compressor, learners, 20);
      const Outcome sparse = run(options, 1, 5, alike);
      options.gather = Gather::kAll;
      const Outcome all = run(options, 1, 5, alike);
      EXPECT_EQ(sparse.mean, all.mean) << compressor << ", " << learners;
      EXPECT_EQ(sparse.residues, all.residues) << compressor << ", " << learners;
    }
  }
}

// Layers shorter than the number of learners, of one element, and gradients of zeros on all learners or all
// but one.
TEST(SparseSum, TakesPartsAndPayloadsThatAreEmpty) {
  for (const char* compressor : {"topk", "adacomp"}) {
    for (const std::size_t elements : {1u, 3u, 4u, 50u}) {
      for (const std::uint32_t active : {0u, 3u, 4u}) {  // 4: none
        const auto gradient_of = [&](std::uint32_t learner, std::uint64_t step) {
          return learner == active ? normal_gradient(elements, learner, step) : Values(elements);
        };
        const Outcome one = run(options_for(compressor, 4, 100), 1, 3, gradient_of);
        const Outcome four = run(options_for(compressor, 4, 100), 4, 3, gradient_of);
        EXPECT_EQ(four.mean, one.mean);
        EXPECT_EQ(four.residues, one.residues);
        EXPECT_EQ(four.payload_bytes, one.payload_bytes);
        EXPECT_EQ(std::ranges::count(one.mean, 0.0f) == static_cast<std::ptrdiff_t>(elements), active == 4);
      }
    }
  }
}

// All learners choose within 32 columns, or 32 rows, of a 128 x 128 layer. A rank sends its k elements of 6
// bytes or fewer but those of its own part, and its part's sums to all: 2 k elements, and an eighth more
// for parts that are not alike. Headers alone grow: of two messages, 8 + 32 + 4 and 4 more before sums.
TEST(SparseSum, DoesNotGrowWithTheRanksWhereChoicesCluster) {
  constexpr std::size_t kRow = 128, kElements = kRow * kRow, kKept = kElements / 64;
  for (const bool are_rows : {false, true}) {
    const auto gradient_of = [&](std::uint32_t learner, std::uint64_t step) {
      Values values = normal_gradient(kElements, learner, step);
      for (std::size_t i = 0; i < kElements; ++i)
        values[i] *= (are_rows ? i / kRow : i % kRow) < 32 ? 100.0f : 1.0f;
      return values;
    };
    for (const std::uint32_t ranks : {2u, 4u, 8u}) {
      const Outcome outcome = run(options_for("topk", ranks, 64), static_cast<int>(ranks), 1, gradient_of);
      for (const WireBytes& sent : outcome.sent) {
        EXPECT_LE(sent.values + sent.indices, 2 * kKept * 6 * 9 / 8) << ranks << " ranks";
        EXPECT_EQ(sent.headers, (ranks - 1) * (44u + 48u));
      }
    }
  }
}

}  // namespace
}  // namespace sterna::exchange
