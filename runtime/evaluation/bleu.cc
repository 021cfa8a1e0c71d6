#include "runtime/evaluation/bleu.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "runtime/core/errors.h"

namespace sterna::evaluation {
namespace {

// How often each run of `order` words occurs.
std::map<Words, std::uint64_t> count_runs(const Words& words, std::size_t order) {
  std::map<Words, std::uint64_t> counts;
  for (std::size_t first = 0; first + order <= words.size(); ++first) {
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(first);
    ++counts[Words(begin, begin + static_cast<std::ptrdiff_t>(order))];
  }
  return counts;
}

void add_segment(const Words& hypothesis, const Words& reference, Bleu& bleu) {
  bleu.hypothesis_words += hypothesis.size();
  bleu.reference_words += reference.size();
  for (std::size_t order = 1; order <= kBleuOrder; ++order) {
    const auto in_reference = count_runs(reference, order);
    for (const auto& [run, count] : count_runs(hypothesis, order)) {
      const auto found = in_reference.find(run);
      bleu.runs[order - 1] += count;
      if (found != in_reference.end()) bleu.matches[order - 1] += std::min(count, found->second);
    }
  }
}

// Orders that have no run stay at 0.
void set_precisions(Bleu& bleu) {
  double smoothing = 1.0;
  for (std::size_t i = 0; i < kBleuOrder && bleu.runs[i] > 0; ++i) {
    const auto runs = static_cast<double>(bleu.runs[i]);
    if (bleu.matches[i] > 0) {
      bleu.precisions[i] = 100.0 * static_cast<double>(bleu.matches[i]) / runs;
    } else {
      smoothing *= 2.0;
      bleu.precisions[i] = 100.0 / (smoothing * runs);
    }
  }
}

double brevity_penalty(std::uint64_t hypothesis_words, std::uint64_t reference_words) {
  if (hypothesis_words >= reference_words) return 1.0;
  if (hypothesis_words == 0) return 0.0;
  return std::exp(1.0 - static_cast<double>(reference_words) / static_cast<double>(hypothesis_words));
}

double geometric_mean(const std::array<double, kBleuOrder>& precisions) {
  double sum = 0.0;
  for (double precision : precisions) sum += std::log(precision);  // -infinity for 0, of which exp() makes 0
  return std::exp(sum / static_cast<double>(kBleuOrder));
}

}  // namespace

Bleu corpus_bleu(std::span<const Words> hypotheses, std::span<const Words> references) {
  STERNA_CHECK(hypotheses.size() == references.size());
  Bleu bleu;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) add_segment(hypotheses[i], references[i], bleu);
  bleu.brevity_penalty = brevity_penalty(bleu.hypothesis_words, bleu.reference_words);
  if (bleu.matches.front() == 0) return bleu;  // then no longer run matches either
  set_precisions(bleu);
  bleu.score = bleu.brevity_penalty * geometric_mean(bleu.precisions);
  return bleu;
}

}  // namespace sterna::evaluation
