// BLEU: how many of a translation's runs of one to four words are in the reference.
//
// Source: Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002; as
// sacreBLEU computes it (Post, WMT 2018).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sterna::evaluation {

inline constexpr std::size_t kBleuOrder = 4;  // the longest runs of words

using Words = std::vector<std::string>;

struct Bleu {
  double score = 0.0;                           // in [0, 100]
  std::array<double, kBleuOrder> precisions{};  // of runs of 1 to 4 words, in percent, after smoothing
  double brevity_penalty = 1.0;                 // in [0, 1]
  std::array<std::uint64_t, kBleuOrder>
      matches{};                                 // runs that the reference has too, at most as often as there
  std::array<std::uint64_t, kBleuOrder> runs{};  // runs of the hypotheses
  std::uint64_t hypothesis_words = 0;
  std::uint64_t reference_words = 0;
};

// Corpus BLEU-4: counts are added up over all segments before anything is divided, so that it is no mean of
// scores of segments. Where an order has no match, its precision is 100 / (2^k runs) for the k-th such order
// (smoothing `exp`); without any match at all, or with no run of four words, the score is 0.
//   hypotheses, references  [segments], one reference for each hypothesis, cut into words alike; see
//   tokenise.h
[[nodiscard]] Bleu corpus_bleu(std::span<const Words> hypotheses, std::span<const Words> references);

}  // namespace sterna::evaluation
