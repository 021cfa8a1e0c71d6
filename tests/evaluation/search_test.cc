// Searches over distributions that are worked out by hand.
#include "runtime/evaluation/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "runtime/core/rng.h"

namespace sterna::evaluation {
namespace {

constexpr std::int32_t kStart = 0;
constexpr std::int32_t kEnd = 1;
constexpr std::int32_t kA = 2;
constexpr std::int32_t kB = 3;

// Probabilities of {start, end, a, b} behind each prefix.
using Distribution = std::map<Prefix, std::vector<double>>;

NextLogits logits_of(const Distribution& distribution) {
  return [&distribution](std::span<const Prefix> prefixes, std::span<float> logits) {
    for (std::size_t p = 0; p < prefixes.size(); ++p) {
      const std::vector<double>& row = distribution.at(prefixes[p]);
      for (std::size_t s = 0; s < row.size(); ++s) {
        // Logits are free up to a constant.
        logits[p * row.size() + s] = static_cast<float>(std::log(row[s]) + 3.0);
      }
    }
  };
}

SearchOptions options(std::size_t beam, double length_exponent = 0.0) {
  return {.symbols = 4,
          .start = kStart,
          .end = kEnd,
          .most_symbols = 4,
          .beam = beam,
          .length_exponent = length_exponent};
}

// The float32 logits are off by 2^-24 of up to 6, for up to four symbols.
constexpr double kTolerance = 4.0 * 6.0 / (1 << 23);

// a is likelier than b at first, but what follows a is spread: a, a, end has 0.6 * 0.4 = 0.24 and b, b, end
// has 0.4 * 0.9 = 0.36 (the end is certain). a, b, end has 0.6 * 0.35 = 0.21, a, end 0.6 * 0.25 = 0.15, b,
// end 0.04.
const Distribution kGarden = {
    {{kStart}, {0.0, 0.0, 0.6, 0.4}},         {{kStart, kA}, {0.0, 0.25, 0.4, 0.35}},
    {{kStart, kB}, {0.0, 0.1, 0.0, 0.9}},     {{kStart, kA, kA}, {0.0, 1.0, 0.0, 0.0}},
    {{kStart, kA, kB}, {0.0, 1.0, 0.0, 0.0}}, {{kStart, kB, kB}, {0.0, 1.0, 0.0, 0.0}}};

TEST(GreedySearch, TakesTheLikeliestSymbolEachTime) {
  const Hypothesis found = greedy_search(logits_of(kGarden), options(1));
  EXPECT_EQ(found.symbols, (std::vector{kA, kA}));
  EXPECT_TRUE(found.has_ended);
  EXPECT_NEAR(found.log_probability, std::log(0.24), kTolerance);
}

TEST(BeamSearch, FindsWhatGreedySearchMisses) {
  const std::vector<Hypothesis> found = beam_search(logits_of(kGarden), options(2));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].symbols, (std::vector{kB, kB}));
  EXPECT_NEAR(found[0].log_probability, std::log(0.36), kTolerance);
  EXPECT_EQ(found[1].symbols, (std::vector{kA, kA}));
  EXPECT_NEAR(found[1].score, std::log(0.24), kTolerance);
}

TEST(BeamSearch, OfAllPrefixesFindsAllSequencesInTheirOrder) {
  const std::vector<Hypothesis> found = beam_search(logits_of(kGarden), options(5));
  const std::vector<std::pair<std::vector<std::int32_t>, double>> expected = {
      {{kB, kB}, 0.36}, {{kA, kA}, 0.24}, {{kA, kB}, 0.21}, {{kA}, 0.15}, {{kB}, 0.04}};
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].symbols, expected[i].first) << i;
    EXPECT_NEAR(found[i].log_probability, std::log(expected[i].second), kTolerance) << i;
  }
}

TEST(BeamSearch, OfOnePrefixIsGreedyWhereGreedyIsBest) {
  const std::vector<Hypothesis> found = beam_search(logits_of(kGarden), options(1));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].symbols, greedy_search(logits_of(kGarden), options(1)).symbols);
}

TEST(LengthPenalty, IsThatOfTheFormula) {
  EXPECT_DOUBLE_EQ(length_penalty(1, 0.6), 1.0);
  EXPECT_DOUBLE_EQ(length_penalty(7, 1.0), 2.0);
  EXPECT_DOUBLE_EQ(length_penalty(19, 0.5), 2.0);  // sqrt(24 / 6)
  EXPECT_DOUBLE_EQ(length_penalty(100, 0.0), 1.0);
}

// The end at once has 0.5; a, a, end has 0.5 * 0.9 * 0.9 = 0.405, less. With alpha 2 the lengths 1 and 3 have
// penalties 1 and (8 / 6)^2 = 1.778: log 0.5 = -0.693, and log 0.405 / 1.778 = -0.508 is the better score.
const Distribution kShortOrLong = {{{kStart}, {0.0, 0.5, 0.5, 0.0}},
                                   {{kStart, kA}, {0.0, 0.05, 0.9, 0.05}},
                                   {{kStart, kA, kA}, {0.0, 0.9, 0.05, 0.05}},
                                   {{kStart, kA, kB}, {0.0, 1.0, 0.0, 0.0}},
                                   {{kStart, kA, kA, kA}, {0.0, 1.0, 0.0, 0.0}},
                                   {{kStart, kA, kA, kB}, {0.0, 1.0, 0.0, 0.0}}};

TEST(BeamSearch, PrefersLongerSequencesWithALengthPenalty) {
  const NextLogits next = logits_of(kShortOrLong);
  EXPECT_TRUE(beam_search(next, options(2)).front().symbols.empty());
  const Hypothesis longer = beam_search(next, options(2, /*length_exponent=*/2.0)).front();
  EXPECT_EQ(longer.symbols, (std::vector{kA, kA}));
  EXPECT_NEAR(longer.log_probability, std::log(0.405), kTolerance);
  EXPECT_NEAR(longer.score, std::log(0.405) / (64.0 / 36.0), kTolerance);
}

// Nothing ever ends: b follows a follows b.
NextLogits endless() {
  return [](std::span<const Prefix> prefixes, std::span<float> logits) {
    std::ranges::fill(logits, -std::numeric_limits<float>::infinity());
    for (std::size_t p = 0; p < prefixes.size(); ++p) {
      logits[p * 4 + static_cast<std::size_t>(prefixes[p].back() == kA ? kB : kA)] = 0.0f;
    }
  };
}

TEST(Searches, CutOffWhatDoesNotEnd) {
  const std::vector<std::int32_t> expected = {kA, kB, kA, kB};
  const Hypothesis greedy = greedy_search(endless(), options(1));
  EXPECT_EQ(greedy.symbols, expected);
  EXPECT_FALSE(greedy.has_ended);
  const std::vector<Hypothesis> found = beam_search(endless(), options(3));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].symbols, expected);
  EXPECT_FALSE(found[0].has_ended);
  EXPECT_EQ(found[0].log_probability, 0.0);
}

TEST(Searches, TakeTheLowerSymbolOnATie) {
  const NextLogits flat = [](std::span<const Prefix>, std::span<float> logits) {
    std::ranges::fill(logits, 1.0f);
  };
  EXPECT_EQ(greedy_search(flat, options(1)).symbols, (std::vector{kStart, kStart, kStart, kStart}));
  // Symbol 0 goes on first; the end, symbol 1, is then the likeliest sequence of all.
  EXPECT_TRUE(beam_search(flat, options(2)).front().symbols.empty());
}

TEST(BeamSearch, FindsNothingBehindANan) {
  const NextLogits nan = [](std::span<const Prefix>, std::span<float> logits) {
    std::ranges::fill(logits, 0.0f);
    logits[2] = std::numeric_limits<float>::quiet_NaN();
  };
  EXPECT_TRUE(beam_search(nan, options(2)).empty());
}

// Random distributions of 4 symbols and at most 4 of them have 4 + 9 + 27 + 81 sequences or fewer: a beam as
// wide as that looks at all, and no narrower one finds a better one.
TEST(BeamSearch, IsNeverBetterThanAllThereIs) {
  for (std::uint32_t trial = 0; trial < 50; ++trial) {
    const NextLogits next = [trial](std::span<const Prefix> prefixes, std::span<float> logits) {
      for (std::size_t p = 0; p < prefixes.size(); ++p) {
        std::uint64_t index = 1;  // of the prefix, written in base 4
        for (std::int32_t symbol : prefixes[p]) index = 4 * index + static_cast<std::uint64_t>(symbol);
        for (std::size_t s = 0; s < 4; ++s) {
          logits[4 * p + s] = 2.0f * random_normal({.seed = 5, .step = trial}, 4 * index + s);
        }
      }
    };
    for (double exponent : {0.0, 1.0}) {
      const double best = beam_search(next, options(200, exponent)).front().score;
      for (std::size_t beam : {1u, 2u, 8u}) {
        const std::vector<Hypothesis> found = beam_search(next, options(beam, exponent));
        ASSERT_LE(found.size(), beam);
        if (found.front().has_ended) {
          EXPECT_LE(found.front().score, best) << "trial " << trial << ", beam " << beam;
        }
        for (std::size_t i = 1; i < found.size(); ++i) {
          if (found[i].has_ended) {
            EXPECT_LE(found[i].score, found[i - 1].score);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace sterna::evaluation
