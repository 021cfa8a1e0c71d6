#include "runtime/translation.h"

#include <algorithm>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "runtime/data/loader.h"
#include "runtime/data/translations.h"
#include "runtime/evaluation/bleu.h"
#include "runtime/evaluation/search.h"
#include "runtime/evaluation/tokenise.h"

namespace sterna {
namespace {

// Rows that are worked on at a time: enough for the matrix products, and no more memory with a wider beam.
constexpr std::size_t kRows = 64;

// The searches of one group, row s * beam + k being prefix k of search s. Rows without a prefix show padding.
class Group {
 public:
  Group(std::size_t sentences, std::size_t rows_of_each, const evaluation::SearchOptions& options)
      : beam_(rows_of_each), options_(options) {
    for (std::size_t s = 0; s < sentences; ++s) {
      searches_.push_back(beam_ == 1 ? make_greedy_search(options) : make_beam_search(options));
    }
  }

  void run(models::Generator& generator, std::size_t rows) {
    std::vector<std::int32_t> symbols(rows);
    std::vector<std::size_t> from(rows);
    for (bool is_first = true; read_steps(symbols, from); is_first = false) {
      const bool has_moved = !std::ranges::is_sorted(from) || std::ranges::adjacent_find(from) != from.end();
      if (!is_first && has_moved) generator.reorder(from);
      advance(generator.next(symbols));
    }
  }

  std::vector<std::int32_t> best(std::size_t sentence) const {
    const auto found = searches_[sentence]->found();
    return found.empty() ? std::vector<std::int32_t>{} : found.front().symbols;
  }

 private:
  // What each row shows next, and whose continuation it is; false if no search goes on.
  bool read_steps(std::span<std::int32_t> symbols, std::span<std::size_t> from) {
    std::ranges::fill(symbols, data::kPadding);
    for (std::size_t row = 0; row < from.size(); ++row) from[row] = row;
    live_.clear();
    bool goes_on = false;
    for (std::size_t s = 0; s < searches_.size(); ++s) {
      const std::vector<evaluation::SearchStep> steps = searches_[s]->live();
      for (std::size_t k = 0; k < steps.size(); ++k) {
        symbols[s * beam_ + k] = steps[k].symbol;
        from[s * beam_ + k] = s * beam_ + steps[k].parent;
      }
      live_.push_back(steps.size());
      goes_on = goes_on || !steps.empty();
    }
    return goes_on;
  }

  void advance(std::span<const float> logits) {
    for (std::size_t s = 0; s < searches_.size(); ++s) {
      if (live_[s] == 0) continue;
      searches_[s]->advance(logits.subspan(s * beam_ * options_.symbols, live_[s] * options_.symbols));
    }
  }

  std::size_t beam_;
  evaluation::SearchOptions options_;
  std::vector<std::unique_ptr<evaluation::Search>> searches_;
  std::vector<std::size_t> live_;  // prefixes of each search
};

// A symbol may stand for a line break, which would end the sentence's line.
std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Translator::Translator(const models::Model& model, const data::Dataset& dataset,
                       const TranslationOptions& options)
    : dataset_(dataset),
      shape_(model.sample_shape()),
      options_(options),
      rows_{.sources = std::max<std::size_t>(1, kRows / options.beam), .targets = options.beam},
      generator_(model.make_generator(rows_)) {
  STERNA_CHECK((dataset.translations() != nullptr) == true);
  if (generator_) return;
  throw ConfigError(
      "[train] model: must have an encoder and a decoder, for the data are translations; take --model "
      "transformer");
}

std::vector<std::vector<std::int32_t>> Translator::translate_group(std::size_t group,
                                                                   std::span<const float> values) {
  data::Batch batch;
  const std::size_t first = group * rows_.sources;
  data::read_padded(dataset_, data::Split::kTest, first, rows_.sources, batch);
  const std::size_t positions = shape_.input[0];
  const std::size_t of_source = positions - shape_.labels;
  std::vector<std::int32_t> sources;
  for (std::size_t s = 0; s < rows_.sources; ++s) {
    const auto begin = batch.symbols.begin() + static_cast<std::ptrdiff_t>(s * positions);
    sources.insert(sources.end(), begin, begin + static_cast<std::ptrdiff_t>(of_source));
  }
  generator_->begin(sources, {.values = values});
  const std::size_t sentences = std::min(rows_.sources, test_sentences() - first);
  Group searches(sentences, options_.beam,
                 {.symbols = shape_.classes,
                  .start = data::kBegin,
                  .end = data::kEnd,
                  .most_symbols = shape_.labels,
                  .beam = options_.beam,
                  .length_exponent = options_.length_exponent});
  searches.run(*generator_, rows_.rows());
  std::vector<std::vector<std::int32_t>> best;
  for (std::size_t s = 0; s < sentences; ++s) best.push_back(searches.best(s));
  return best;
}

std::vector<std::string> Translator::translate(collectives::Communicator& comm,
                                               std::span<const float> values) {
  const data::BytePairs& vocabulary = dataset_.translations()->vocabulary();
  const std::size_t groups = (test_sentences() + rows_.sources - 1) / rows_.sources;
  // Lines of this rank's sentences: group after group of its learners.
  std::string mine;
  const auto for_each_group = [&](std::uint32_t first, std::uint32_t count, const auto& visit) {
    for (std::uint32_t learner = first; learner < first + count; ++learner) {
      for (std::size_t group = learner; group < groups; group += options_.learners) visit(group);
    }
  };
  for_each_group(options_.first_learner, options_.local_learners, [&](std::size_t group) {
    for (std::vector<std::int32_t>& symbols : translate_group(group, values)) {
      // Symbols of the model that the vocabulary does not have stand for nothing.
      std::erase_if(symbols,
                    [&](std::int32_t s) { return static_cast<std::size_t>(s) >= vocabulary.symbols(); });
      mine += in_one_line(vocabulary.decode(symbols)) + '\n';
    }
  });

  std::string all;  // in learner order, for ranks host learners in order
  for (const std::string& text : collectives::all_gather_text(comm, mine)) all += text;
  std::vector<std::string> translated(test_sentences());
  std::size_t at = 0;
  for_each_group(0, options_.learners, [&](std::size_t group) {
    const std::size_t first = group * rows_.sources;
    for (std::size_t s = first; s < std::min(first + rows_.sources, test_sentences()); ++s) {
      const std::size_t end = all.find('\n', at);
      STERNA_CHECK(end != std::string::npos);
      translated[s] = all.substr(at, end - at);
      at = end + 1;
    }
  });
  return translated;
}

double bleu_of(const std::vector<std::string>& translated, const data::Translations& references) {
  std::vector<evaluation::Words> hypothesis_words;
  std::vector<evaluation::Words> reference_words;
  for (std::size_t s = 0; s < translated.size(); ++s) {
    hypothesis_words.push_back(evaluation::tokenise_13a(translated[s]));
    reference_words.push_back(evaluation::tokenise_13a(references.reference(static_cast<std::uint32_t>(s))));
  }
  return evaluation::corpus_bleu(hypothesis_words, reference_words).score;
}

}  // namespace sterna
