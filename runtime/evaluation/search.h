// Sequences that a model thinks likely, symbol by symbol: greedy and beam search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace sterna::evaluation {

// Symbols so far, the start symbol first.
using Prefix = std::vector<std::int32_t>;

// Writes the logits of the symbol that follows each prefix.
//   prefixes  one or more, equally long
//   logits    [prefixes, symbols]
using NextLogits = std::function<void(std::span<const Prefix> prefixes, std::span<float> logits)>;

struct SearchOptions {
  std::size_t symbols;         // classes of the model
  std::int32_t start;          // what every prefix begins with
  std::int32_t end;            // what ends a sequence
  std::size_t most_symbols;    // >= 1; longer sequences are cut off, the end symbol counted
  std::size_t beam = 4;        // >= 1; prefixes that are followed at a time
  double length_exponent = 0;  // >= 0; alpha of the length penalty below
};

struct Hypothesis {
  std::vector<std::int32_t> symbols;  // without start and end
  double log_probability = 0.0;       // of all symbols and, where there is one, the end; nats
  double score = 0.0;                 // log_probability / length_penalty(symbols, end included)
  bool has_ended = false;             // false: cut off at most_symbols
};

// ((5 + n) / 6)^alpha for n symbols: 1 for alpha = 0, and the larger alpha is, the less a long sequence loses
// by the many factors of its probability. Source: Wu et al., "Google's neural machine translation system",
// arXiv:1609.08144, equation 14.
[[nodiscard]] double length_penalty(std::size_t symbols, double exponent);

// A prefix that goes on: the symbol behind its parent, one of the prefixes that went on before, by number.
struct SearchStep {
  std::size_t parent;
  std::int32_t symbol;
};

// The search for one sequence, symbol by symbol, so that a caller can run many of them side by side.
class Search {
 public:
  virtual ~Search() = default;

  // The prefixes whose logits are wanted next, `beam` at most; none when the search is over. The first time
  // it is the start symbol.
  [[nodiscard]] virtual std::vector<SearchStep> live() const = 0;

  //   logits  [live, symbols], of the symbols that follow each
  virtual void advance(std::span<const float> logits) = 0;

  // What has been found when it is over: as greedy_search() and beam_search() return it.
  [[nodiscard]] virtual std::vector<Hypothesis> found() const = 0;
};

[[nodiscard]] std::unique_ptr<Search> make_greedy_search(const SearchOptions& options);
[[nodiscard]] std::unique_ptr<Search> make_beam_search(const SearchOptions& options);

// Takes the likeliest symbol at each step, the lower one on a tie.
[[nodiscard]] Hypothesis greedy_search(const NextLogits& next, const SearchOptions& options);

// Follows the `beam` likeliest prefixes. At each step all their continuations are sorted by probability
// (ties: the better prefix, then the lower symbol) and taken in this order until `beam` prefixes go on; those
// that end on the way are put aside. It stops when `beam` hypotheses have ended that no prefix can beat any
// more, or at most_symbols, where the prefixes join them as they are.
//
// Returns up to `beam` hypotheses, the best score first; those that have ended come before those cut off.
// With beam 1 and length_exponent 0 the best has the probability of the greedy one or a greater one. A prefix
// whose logits hold NaN or +infinity has no continuation.
[[nodiscard]] std::vector<Hypothesis> beam_search(const NextLogits& next, const SearchOptions& options);

}  // namespace sterna::evaluation
