#include "runtime/evaluation/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "runtime/core/errors.h"

namespace sterna::evaluation {
namespace {

// A prefix that goes on.
struct Live {
  Prefix prefix;
  double log_probability;
};

// A prefix and the symbol that may follow.
struct Continuation {
  double log_probability;
  std::size_t live;
  std::int32_t symbol;
};

// log softmax, in float64, in place of the logits.
std::vector<double> log_probabilities(std::span<const float> logits) {
  double largest = -std::numeric_limits<double>::infinity();
  for (float logit : logits) largest = std::max(largest, static_cast<double>(logit));
  double sum = 0.0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  std::vector<double> result;
  for (float logit : logits) result.push_back(static_cast<double>(logit) - largest - std::log(sum));
  return result;
}

void check(const SearchOptions& options) {
  STERNA_CHECK(options.symbols >= 1u);
  STERNA_CHECK(options.beam >= 1u);
  STERNA_CHECK(options.most_symbols >= 1u);
  STERNA_CHECK(options.length_exponent >= 0.0);
}

Hypothesis hypothesis_of(const Live& live, bool has_ended, const SearchOptions& options) {
  Hypothesis hypothesis{.symbols = {live.prefix.begin() + 1, live.prefix.end()},
                        .log_probability = live.log_probability,
                        .score = 0.0,
                        .has_ended = has_ended};
  const std::size_t length = hypothesis.symbols.size() + (has_ended ? 1 : 0);
  hypothesis.score = live.log_probability / length_penalty(length, options.length_exponent);
  return hypothesis;
}

// All that can follow, the likeliest first.
std::vector<Continuation> continuations(const NextLogits& next, const std::vector<Live>& lives,
                                        const SearchOptions& options) {
  std::vector<Prefix> prefixes;
  for (const Live& live : lives) prefixes.push_back(live.prefix);
  std::vector<float> logits(prefixes.size() * options.symbols);
  next(prefixes, logits);
  std::vector<Continuation> all;
  for (std::size_t l = 0; l < lives.size(); ++l) {
    const auto row = log_probabilities(std::span(logits).subspan(l * options.symbols, options.symbols));
    for (std::size_t s = 0; s < row.size(); ++s) {
      const double sum = lives[l].log_probability + row[s];
      if (std::isfinite(sum)) all.push_back({sum, l, static_cast<std::int32_t>(s)});
    }
  }
  // Beyond these nothing is looked at: each prefix has one continuation that ends.
  const std::size_t wanted = std::min(all.size(), 2 * options.beam);
  std::ranges::partial_sort(
      all, all.begin() + static_cast<std::ptrdiff_t>(wanted), {},
      [](const Continuation& c) { return std::tuple(-c.log_probability, c.live, c.symbol); });
  all.resize(wanted);
  return all;
}

void keep_best(std::vector<Hypothesis>& ended, std::size_t beam) {
  std::ranges::stable_sort(ended, std::ranges::greater{}, &Hypothesis::score);
  if (ended.size() > beam) ended.resize(beam);
}

// One symbol more: returns the prefixes that go on, and adds those that end to `ended`.
std::vector<Live> advance(const NextLogits& next, const std::vector<Live>& lives,
                          const SearchOptions& options, std::vector<Hypothesis>& ended) {
  std::vector<Live> on;
  for (const Continuation& c : continuations(next, lives, options)) {
    if (on.size() == options.beam) break;
    Live live{.prefix = lives[c.live].prefix, .log_probability = c.log_probability};
    if (c.symbol == options.end) {
      ended.push_back(hypothesis_of(live, /*has_ended=*/true, options));
    } else {
      live.prefix.push_back(c.symbol);
      on.push_back(std::move(live));
    }
  }
  keep_best(ended, options.beam);
  return on;
}

// A prefix only loses probability; the penalty is largest, and the score nearest 0, at the greatest length.
bool can_improve(const std::vector<Live>& lives, const std::vector<Hypothesis>& ended,
                 const SearchOptions& options) {
  if (lives.empty()) return false;
  if (ended.size() < options.beam) return true;
  const double best =
      lives.front().log_probability / length_penalty(options.most_symbols, options.length_exponent);
  return best > ended.back().score;
}

}  // namespace

double length_penalty(std::size_t symbols, double exponent) {
  return std::pow((5.0 + static_cast<double>(symbols)) / 6.0, exponent);
}

Hypothesis greedy_search(const NextLogits& next, const SearchOptions& options) {
  check(options);
  Live live{.prefix = {options.start}, .log_probability = 0.0};
  std::vector<float> logits(options.symbols);
  for (std::size_t taken = 0; taken < options.most_symbols; ++taken) {
    next({&live.prefix, 1}, logits);
    const std::vector<double> row = log_probabilities(logits);
    const auto likeliest = std::ranges::max_element(row);
    live.log_probability += *likeliest;
    const auto symbol = static_cast<std::int32_t>(likeliest - row.begin());
    if (symbol == options.end) return hypothesis_of(live, /*has_ended=*/true, options);
    live.prefix.push_back(symbol);
  }
  return hypothesis_of(live, /*has_ended=*/false, options);
}

std::vector<Hypothesis> beam_search(const NextLogits& next, const SearchOptions& options) {
  check(options);
  std::vector<Live> lives = {{.prefix = {options.start}, .log_probability = 0.0}};
  std::vector<Hypothesis> found;
  for (std::size_t taken = 0; taken < options.most_symbols && can_improve(lives, found, options); ++taken) {
    lives = advance(next, lives, options, found);
  }
  std::vector<Hypothesis> cut_off;
  for (const Live& live : lives) {
    if (live.prefix.size() == options.most_symbols + 1) {
      cut_off.push_back(hypothesis_of(live, /*has_ended=*/false, options));
    }
  }
  keep_best(cut_off, options.beam - found.size());
  found.insert(found.end(), cut_off.begin(), cut_off.end());
  return found;
}

}  // namespace sterna::evaluation
