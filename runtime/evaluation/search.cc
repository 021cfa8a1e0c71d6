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
  std::size_t parent = 0;  // which of the prefixes before it
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
  const double log_sum = std::log(sum);
  std::vector<double> result;
  result.reserve(logits.size());
  for (float logit : logits) result.push_back(static_cast<double>(logit) - largest - log_sum);
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
std::vector<Continuation> continuations(std::span<const float> logits, const std::vector<Live>& lives,
                                        const SearchOptions& options) {
  std::vector<Continuation> all;
  for (std::size_t l = 0; l < lives.size(); ++l) {
    const auto row = log_probabilities(logits.subspan(l * options.symbols, options.symbols));
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
std::vector<Live> advance(std::span<const float> logits, const std::vector<Live>& lives,
                          const SearchOptions& options, std::vector<Hypothesis>& ended) {
  std::vector<Live> on;
  for (const Continuation& c : continuations(logits, lives, options)) {
    if (on.size() == options.beam) break;
    Live live{.prefix = lives[c.live].prefix, .log_probability = c.log_probability, .parent = c.live};
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

std::vector<SearchStep> steps_of(const std::vector<Live>& lives) {
  std::vector<SearchStep> steps;
  for (const Live& live : lives) steps.push_back({.parent = live.parent, .symbol = live.prefix.back()});
  return steps;
}

class GreedySearch final : public Search {
 public:
  explicit GreedySearch(const SearchOptions& options) : options_(options) { check(options); }

  std::vector<SearchStep> live() const override {
    return is_done_ ? std::vector<SearchStep>{} : steps_of({live_});
  }

  void advance(std::span<const float> logits) override {
    STERNA_CHECK(is_done_ == false);
    STERNA_CHECK(logits.size() == options_.symbols);
    const std::vector<double> row = log_probabilities(logits);
    const auto likeliest = std::ranges::max_element(row);
    live_.log_probability += *likeliest;
    const auto symbol = static_cast<std::int32_t>(likeliest - row.begin());
    has_ended_ = symbol == options_.end;
    if (!has_ended_) live_.prefix.push_back(symbol);
    is_done_ = has_ended_ || live_.prefix.size() > options_.most_symbols;
  }

  std::vector<Hypothesis> found() const override { return {hypothesis_of(live_, has_ended_, options_)}; }

 private:
  SearchOptions options_;
  Live live_{.prefix = {options_.start}, .log_probability = 0.0};
  bool has_ended_ = false;
  bool is_done_ = false;
};

class BeamSearch final : public Search {
 public:
  explicit BeamSearch(const SearchOptions& options) : options_(options) { check(options); }

  std::vector<SearchStep> live() const override {
    const bool goes_on = taken_ < options_.most_symbols && can_improve(lives_, ended_, options_);
    return goes_on ? steps_of(lives_) : std::vector<SearchStep>{};
  }

  void advance(std::span<const float> logits) override {
    STERNA_CHECK(logits.size() == (lives_.size() * options_.symbols));
    lives_ = sterna::evaluation::advance(logits, lives_, options_, ended_);
    ++taken_;
  }

  std::vector<Hypothesis> found() const override {
    std::vector<Hypothesis> cut_off;
    for (const Live& live : lives_) {
      if (live.prefix.size() == options_.most_symbols + 1) {
        cut_off.push_back(hypothesis_of(live, /*has_ended=*/false, options_));
      }
    }
    keep_best(cut_off, options_.beam - ended_.size());
    std::vector<Hypothesis> found = ended_;
    found.insert(found.end(), cut_off.begin(), cut_off.end());
    return found;
  }

 private:
  SearchOptions options_;
  std::vector<Live> lives_ = {{.prefix = {options_.start}, .log_probability = 0.0}};
  std::vector<Hypothesis> ended_;
  std::size_t taken_ = 0;  // symbols
};

// Asks for logits until the search is over.
std::vector<Hypothesis> run(Search& search, const NextLogits& next, const SearchOptions& options) {
  std::vector<Prefix> prefixes = {{}};
  for (auto live = search.live(); !live.empty(); live = search.live()) {
    std::vector<Prefix> longer;
    for (const SearchStep& step : live) {
      longer.push_back(prefixes[step.parent]);
      longer.back().push_back(step.symbol);
    }
    prefixes = std::move(longer);
    std::vector<float> logits(prefixes.size() * options.symbols);
    next(prefixes, logits);
    search.advance(logits);
  }
  return search.found();
}

}  // namespace

double length_penalty(std::size_t symbols, double exponent) {
  return std::pow((5.0 + static_cast<double>(symbols)) / 6.0, exponent);
}

std::unique_ptr<Search> make_greedy_search(const SearchOptions& options) {
  return std::make_unique<GreedySearch>(options);
}

std::unique_ptr<Search> make_beam_search(const SearchOptions& options) {
  return std::make_unique<BeamSearch>(options);
}

Hypothesis greedy_search(const NextLogits& next, const SearchOptions& options) {
  return run(*make_greedy_search(options), next, options).front();
}

std::vector<Hypothesis> beam_search(const NextLogits& next, const SearchOptions& options) {
  return run(*make_beam_search(options), next, options);
}

}  // namespace sterna::evaluation
