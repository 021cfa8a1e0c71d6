#include "runtime/diagnosis/diagnosis.h"

#include <optional>
#include <span>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/diagnosis/sent_elements.h"
#include "runtime/diagnosis/vector_measures.h"

namespace sterna::diagnosis {
namespace {

constexpr double kTailPercent[] = {95};

void measure_residues(const LayerStep& step, record::DiagnosticsRecord& record) {
  record.gradient_p95 = magnitude_quantiles(step.gradients.front(), kTailPercent).front();
  record.residue_p95 = magnitude_quantiles(step.residues.front(), kTailPercent).front();
  record.cosine_distance = mean_cosine_distance(step.residues);
  record.residue_quantiles = magnitude_quantiles(step.residues.front(), kQuantilePercents);
  record.mean_residue_quantiles = magnitude_quantiles(mean_of(step.residues), kQuantilePercents);
}

// What the learners chose, beside what each alone would have: its own largest elements.
void measure_choices(const LayerStep& step, std::span<const Indices> sent,
                     record::DiagnosticsRecord& record) {
  const std::size_t k = sent.front().size();
  record.elements_sent = k;
  if (step.compressor.bins() > 0) {
    record.elements_per_bin = static_cast<double>(k) / static_cast<double>(step.compressor.bins());
  }
  record.union_elements = union_of(sent);
  std::vector<Indices> own_largest;
  for (std::size_t i = 0; i < step.learners(); ++i) {
    own_largest.push_back(largest_elements(step.gradients[i], step.residues[i], k));
  }
  record.local_top_k_union = union_of(own_largest);
}

// y less its k largest elements, relative to y.
std::optional<double> top_k_contraction_of(std::span<const float> y, const Indices& largest) {
  std::vector<float> kept(y.size(), 0.0f);
  for (const std::uint32_t index : largest) kept[index] = y[index];
  return contraction(y, kept);
}

// How much of y, the mean over learners of residue and gradient, is sent, beside the most that k elements can
// hold of it.
void measure_mean(const LayerStep& step, const Indices& chosen, record::DiagnosticsRecord& record) {
  const std::vector<float> y = mean_of_sums(step.residues, step.gradients);
  record.contraction = contraction(y, step.mean_sent);
  if (chosen.empty()) return;
  const Indices largest = largest_elements(y, std::vector<float>(y.size(), 0.0f), chosen.size());
  const auto k = static_cast<double>(chosen.size());
  const double missed = 1.0 - static_cast<double>(intersection_of(chosen, largest)) / k;
  record.hamming_distance = missed;
  record.top_k_contraction = top_k_contraction_of(y, largest);
  // Lemma 1 is about the elements of y at the indices of another vector, which is what learners send who all
  // send their own values at the same places.
  const bool are_values_of_y = step.compressor.exchange() != compressors::Exchange::kGathered;
  if (are_values_of_y && record.top_k_contraction) {
    record.contraction_bound = missed + (1.0 - missed) * *record.top_k_contraction;
  }
}

}  // namespace

record::DiagnosticsRecord diagnose(const LayerStep& step) {
  STERNA_CHECK(step.residues.size() == step.gradients.size());
  STERNA_CHECK(step.leader < step.learners());
  record::DiagnosticsRecord record{.step = step.key.step, .elements = step.elements()};
  measure_residues(step, record);
  const std::vector<Indices> sent = sent_elements(step);
  measure_choices(step, sent, record);
  const bool has_leader = step.compressor.exchange() == compressors::Exchange::kLeaderIndexed;
  measure_mean(step, sent[has_leader ? step.leader : 0], record);
  return record;
}

}  // namespace sterna::diagnosis
