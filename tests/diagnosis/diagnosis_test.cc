#include "runtime/diagnosis/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string_view>

#include "runtime/core/rng.h"
#include "runtime/diagnosis/sent_elements.h"
#include "runtime/diagnosis/vector_measures.h"

namespace sterna::diagnosis {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Optional;

using Values = std::vector<float>;

// A layer of a few elements, written down.
struct Case {
  std::vector<Values> residues;
  std::vector<Values> gradients;
  Values mean_sent;
  std::uint32_t leader = 0;
};

record::DiagnosticsRecord diagnosis_of(std::string_view compressor, const compressors::Options& options,
                                       const Case& c) {
  const auto method = compressors::make_compressor(compressor, {.elements = c.mean_sent.size()}, options);
  return diagnose({.compressor = *method,
                   .key = {.step = 7},
                   .leader = c.leader,
                   .residues = {c.residues.begin(), c.residues.end()},
                   .gradients = {c.gradients.begin(), c.gradients.end()},
                   .mean_sent = c.mean_sent});
}

// m + g: learner 0 has (2, -1, 0.5, -2), learner 1 (0, 4, 1, 0); y is (1, 1.5, 0.75, -1), ||y||^2 = 77/16.
// The two largest of learner 0 are 0 and 3, of learner 1 1 and 2, of y 1 and, of the tie, 0.
const Case kTopK = {.residues = {{1, 0, 0, -2}, {0, 3, 0, -1}},
                    .gradients = {{1, -1, 0.5, 0}, {0, 1, 1, 1}},
                    .mean_sent = {1, 2, 0.5, -1}};

TEST(Diagnosis, OfTopKCountsAndCompares) {
  const record::DiagnosticsRecord r = diagnosis_of("topk", {.rate = 2}, kTopK);
  EXPECT_EQ(r.step, 7u);
  EXPECT_EQ(r.elements, 4u);
  EXPECT_EQ(r.elements_sent, 2u);
  EXPECT_EQ(r.union_elements, 4u);
  EXPECT_EQ(r.local_top_k_union, 4u);
  EXPECT_FALSE(r.elements_per_bin.has_value());
  EXPECT_THAT(r.hamming_distance, Optional(0.5));  // of 0 and 3, 0 is among y's largest
  // y less what was sent is (0, -0.5, 0.25, 0): 5/16. Without its largest it is (0, 0, 0.75, -1): 25/16.
  EXPECT_THAT(r.contraction, Optional(DoubleEq(5.0 / 77.0)));
  EXPECT_THAT(r.top_k_contraction, Optional(DoubleEq(25.0 / 77.0)));
  EXPECT_FALSE(r.contraction_bound.has_value());  // the learners' places differ
}

TEST(Diagnosis, MeasuresResiduesAndGradients) {
  const record::DiagnosticsRecord r = diagnosis_of("topk", {.rate = 2}, kTopK);
  // Percents of 4 magnitudes lie at places 0.03, 0.15, 0.3, 0.75, 1.5, 2.25, 2.7, 2.85, 2.97, 2.997.
  const auto near = [](double value) { return DoubleNear(value, 1e-12); };
  EXPECT_THAT(r.gradient_p95, near(1.0));  // 0, 0.5, 1, 1
  EXPECT_THAT(r.residue_p95, near(1.85));  // 0, 0, 1, 2
  EXPECT_THAT(r.residue_quantiles,
              ElementsAre(0, 0, 0, 0, near(0.5), near(1.25), near(1.7), near(1.85), near(1.97), near(1.997)));
  // The mean residue is (0.5, 1.5, 0, -1.5): magnitudes 0, 0.5, 1.5, 1.5.
  EXPECT_THAT(r.mean_residue_quantiles,
              ElementsAre(near(0.015), near(0.075), near(0.15), near(0.375), near(1.0), near(1.5), near(1.5),
                          near(1.5), near(1.5), near(1.5)));
  EXPECT_THAT(r.cosine_distance, Optional(near(1.0 - 2.0 / std::sqrt(50.0))));
}

// m + g: (2, 1, 1, 6), (1, 3, 2, -1), (0, 2, 3, 4); y is (1, 2, 2, 3), ||y||^2 = 18, its two largest are 3
// and, of the tie, 1. In chunks of two the leaders 0, 1, 2 choose 0 and 3, 1 and 2, 1 and 3.
Case three_learners(std::uint32_t leader, Values mean_sent) {
  return {.residues = {{1, 0, 0, 0}, {0, 2, 0, 0}, {0, 0, 3, 0}},
          .gradients = {{1, 1, 1, 6}, {1, 1, 2, -1}, {0, 2, 0, 4}},
          .mean_sent = std::move(mean_sent),
          .leader = leader};
}

TEST(Diagnosis, OfScaleComGoesByTheLeadersChoice) {
  struct Expected {
    Values mean_sent;
    double hamming_distance, contraction, bound;
  };
  const Expected expected[] = {
      {{1, 0, 0, 3}, 0.5, 8.0 / 18.0, 0.5 + 0.5 * 5.0 / 18.0},   // left (0, 2, 2, 0)
      {{0, 2, 2, 0}, 0.5, 10.0 / 18.0, 0.5 + 0.5 * 5.0 / 18.0},  // left (1, 0, 0, 3)
      {{0, 2, 0, 3}, 0.0, 5.0 / 18.0, 5.0 / 18.0},               // left (1, 0, 2, 0): y's own largest
  };
  for (std::uint32_t leader = 0; leader < 3; ++leader) {
    const Expected& e = expected[leader];
    const record::DiagnosticsRecord r =
        diagnosis_of("scalecom", {.rate = 2}, three_learners(leader, e.mean_sent));
    EXPECT_EQ(r.elements_sent, 2u);
    EXPECT_EQ(r.union_elements, 2u);
    EXPECT_EQ(r.local_top_k_union, 4u);  // 0 and 3, 1 and 2, 2 and 3
    EXPECT_THAT(r.hamming_distance, Optional(e.hamming_distance)) << leader;
    EXPECT_THAT(r.contraction, Optional(DoubleEq(e.contraction))) << leader;
    EXPECT_THAT(r.top_k_contraction, Optional(DoubleEq(5.0 / 18.0))) << leader;
    EXPECT_THAT(r.contraction_bound, Optional(DoubleEq(e.bound))) << leader;
    EXPECT_THAT(r.cosine_distance, Optional(DoubleNear(1.0, 1e-15)));  // all at right angles
  }
}

// G = m + g: (2, 1, 0, 2) and (0, 0, 1, -2); H = G + g: (3, 2, 0, 4) and (0, 0, 2, -3). In bins of two
// learner 0 sends 0, 1 and 3, as +2 each, learner 1 sends 2 and 3, as +1 and -1: its first bin is zero, and
// its scale (0 + 2) / 2. y is (1, 0.5, 0.5, 0), ||y||^2 = 1.5.
Case two_bins(Values mean_sent) {
  return {.residues = {{1, 0, 0, 0}, {0, 0, 0, -1}},
          .gradients = {{1, 1, 0, 2}, {0, 0, 1, -1}},
          .mean_sent = std::move(mean_sent)};
}

TEST(Diagnosis, OfAdaCompCountsElementsOfABin) {
  const record::DiagnosticsRecord r = diagnosis_of("adacomp", {.bin_fc = 2}, two_bins({1, 1, 0.5, 0.5}));
  EXPECT_EQ(r.elements_sent, 3u);
  EXPECT_THAT(r.elements_per_bin, Optional(1.5));
  EXPECT_EQ(r.union_elements, 4u);
  EXPECT_EQ(r.local_top_k_union, 4u);                            // 0, 1, 3; and 2, 3: a zero is never sent
  EXPECT_THAT(r.hamming_distance, Optional(DoubleEq(1.0 / 3)));  // y's largest three are 0, 1, 2
  EXPECT_THAT(r.contraction, Optional(DoubleEq(1.0 / 3)));       // left (0, -0.5, 0, -0.5)
  EXPECT_THAT(r.top_k_contraction, Optional(0.0));
  EXPECT_FALSE(r.contraction_bound.has_value());
}

TEST(Diagnosis, OfLocalSelectionHasOneElementABin) {
  // Learner 0 sends 0 and 3, learner 1 sends 3: as +2 and +2; and (0 + 2) / 2 = 1, negative.
  const record::DiagnosticsRecord r = diagnosis_of("ls", {.bin_fc = 2}, two_bins({1, 0, 0, 0.5}));
  EXPECT_THAT(r.elements_per_bin, Optional(1.0));
  EXPECT_EQ(r.union_elements, 2u);
  EXPECT_THAT(r.hamming_distance, Optional(0.5));                 // y's largest two are 0 and 1
  EXPECT_THAT(r.contraction, Optional(DoubleEq(0.5)));            // left (0, 0.5, 0.5, -0.5): 0.75 of 1.5
  EXPECT_THAT(r.top_k_contraction, Optional(DoubleEq(1.0 / 6)));  // left (0, 0, 0.5, 0)
}

TEST(Diagnosis, OfAThresholdCountsWhatReachesIt) {
  // Of (2, 1, 0, 2) 0 and 3 reach 1.5, of (0, 0, 1, -2) 3: each as 1.5, which cancels at 3.
  const record::DiagnosticsRecord r = diagnosis_of("strom", {.threshold = 1.5f}, two_bins({0.75, 0, 0, 0}));
  EXPECT_EQ(r.elements_sent, 2u);
  EXPECT_EQ(r.union_elements, 2u);
  EXPECT_FALSE(r.elements_per_bin.has_value());
  EXPECT_THAT(r.contraction, Optional(DoubleEq(0.5625 / 1.5)));  // left (0.25, 0.5, 0.5, 0)
}

TEST(Diagnosis, OfALearnerThatSendsNothingComparesNothing) {
  // Only learner 1 has what reaches 3: the first element. y is (2, 0.5).
  const record::DiagnosticsRecord r =
      diagnosis_of("strom", {.threshold = 3.0f},
                   {.residues = {{0, 0}, {1, 0}}, .gradients = {{1, 0}, {2, 1}}, .mean_sent = {1.5, 0}});
  EXPECT_EQ(r.elements_sent, 0u);
  EXPECT_EQ(r.union_elements, 1u);
  EXPECT_EQ(r.local_top_k_union, 0u);
  EXPECT_FALSE(r.hamming_distance || r.top_k_contraction || r.contraction_bound);
  EXPECT_THAT(r.contraction, Optional(DoubleEq(0.5 / 4.25)));  // left (0.5, 0.5)
}

TEST(Diagnosis, OfSignsByTheirMeans) {
  // dryden sends half of the positive and half of the negative values, rounded up: of (2, 1, 0, 2) 0 and 3,
  // of (0, 0, 1, -2) 2 and 3. Means 2; 1 and 2.
  const record::DiagnosticsRecord r = diagnosis_of("dryden", {.rate = 2}, two_bins({1, 0, 0.5, 0}));
  EXPECT_EQ(r.elements_sent, 2u);
  EXPECT_EQ(r.union_elements, 3u);
  EXPECT_THAT(r.contraction, Optional(DoubleEq(1.0 / 6)));  // left (0, 0.5, 0, 0)
}

TEST(Diagnosis, OfRandomElementsHasOneSetOfThem) {
  const Case c = two_bins({0, 0, 0, 0});
  const record::DiagnosticsRecord r = diagnosis_of("randomk", {.rate = 2}, c);
  EXPECT_EQ(r.elements_sent, 2u);
  EXPECT_EQ(r.union_elements, 2u);
  EXPECT_THAT(r.contraction, Optional(1.0));  // nothing of y in this mean
  // y's largest two are 0 and 1: what is drawn has 0, 1 or 2 of them.
  const double missed = r.hamming_distance.value();
  EXPECT_THAT(r.contraction_bound, Optional(DoubleEq(missed + (1.0 - missed) / 6.0)));
}

TEST(Diagnosis, LeavesOutWhatDoesNotApply) {
  const record::DiagnosticsRecord alone =
      diagnosis_of("topk", {.rate = 2}, {.residues = {{1, 2}}, .gradients = {{0, 0}}, .mean_sent = {0, 2}});
  EXPECT_FALSE(alone.cosine_distance.has_value());
  EXPECT_THAT(alone.hamming_distance, Optional(0.0));
  const record::DiagnosticsRecord first =
      diagnosis_of("topk", {.rate = 2},
                   {.residues = {{0, 0}, {0, 0}}, .gradients = {{1, 0}, {1, 0}}, .mean_sent = {1, 0}});
  EXPECT_FALSE(first.cosine_distance.has_value());
  const record::DiagnosticsRecord nothing =
      diagnosis_of("topk", {.rate = 2},
                   {.residues = {{0, 0}, {0, 0}}, .gradients = {{0, 0}, {0, 0}}, .mean_sent = {0, 0}});
  EXPECT_EQ(nothing.elements_sent, 0u);
  EXPECT_FALSE(nothing.hamming_distance || nothing.contraction || nothing.top_k_contraction ||
               nothing.contraction_bound);
}

// Lemma 1 of ScaleCom holds in the mean: what a leader finds of y's largest elements is a random part of
// them. Learners have half of what they hold and see in common.
TEST(Diagnosis, OfCorrelatedLearnersKeepsToTheBoundInTheMean) {
  constexpr std::size_t kElements = 400;
  constexpr std::uint32_t kLearners = 4, kTrials = 100;
  const auto method = compressors::make_compressor("scalecom", {.elements = kElements},
                                                   {.rate = 10, .selection = compressors::Selection::kExact});
  double contraction = 0.0, bound = 0.0;
  for (std::uint32_t trial = 0; trial < kTrials; ++trial) {
    Case c{
        .residues = {}, .gradients = {}, .mean_sent = Values(kElements, 0.0f), .leader = trial % kLearners};
    for (std::uint32_t i = 0; i < kLearners; ++i) {
      Values& residue = c.residues.emplace_back(kElements);
      Values& gradient = c.gradients.emplace_back(kElements);
      for (std::size_t e = 0; e < kElements; ++e) {
        const float common = random_normal({.learner = 99, .step = trial}, e);
        residue[e] = common + random_normal({.learner = i, .step = trial}, e);
        gradient[e] = 0.5f * random_normal({.learner = i, .step = trial, .layer = 1}, e);
      }
    }
    LayerStep step{.compressor = *method,
                   .leader = c.leader,
                   .residues = {c.residues.begin(), c.residues.end()},
                   .gradients = {c.gradients.begin(), c.gradients.end()},
                   .mean_sent = c.mean_sent};
    const Values y = mean_of_sums(step.residues, step.gradients);
    const Indices chosen = sent_elements(step)[step.leader];
    for (const std::uint32_t index : chosen) c.mean_sent[index] = y[index];
    const record::DiagnosticsRecord r = diagnose(step);
    EXPECT_GE(r.contraction.value(), r.top_k_contraction.value());  // no 40 elements hold more of y
    EXPECT_GT(r.hamming_distance.value(), 0.0);
    EXPECT_LT(r.hamming_distance.value(), 1.0);
    contraction += r.contraction.value() / kTrials;
    bound += r.contraction_bound.value() / kTrials;
  }
  EXPECT_LE(contraction, bound);
  EXPECT_LT(bound, 1.0);
}

}  // namespace
}  // namespace sterna::diagnosis
