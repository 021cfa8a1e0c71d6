// Error rates of sequences: label error rate of phones or characters, word error rate of transcripts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sterna::evaluation {

// The fewest insertions, deletions and substitutions of one element that make one sequence of the other.
// Source: Levenshtein, Soviet Physics Doklady 10, 1966.
[[nodiscard]] std::size_t edit_distance(std::span<const std::int32_t> a, std::span<const std::int32_t> b);
[[nodiscard]] std::size_t edit_distance(std::span<const std::string> a, std::span<const std::string> b);

// Sums over sequences; a rate is taken of the sums, so that long sequences weigh more than short ones.
struct EditCount {
  std::uint64_t edits = 0;
  std::uint64_t reference_elements = 0;

  void add(std::span<const std::int32_t> hypothesis, std::span<const std::int32_t> reference);
  void add(std::span<const std::string> hypothesis, std::span<const std::string> reference);

  // edits / reference_elements: a label error rate of symbols, a word error rate of words. Above 1 where
  // hypotheses are much too long; 0 of nothing, infinity of edits against empty references.
  [[nodiscard]] double rate() const;
};

}  // namespace sterna::evaluation
