// The data set multi30k: English sentences, each with its German translation, for models that translate.
//
//   train.en, train.de; test_2016_flickr.en, test_2016_flickr.de  ; plain or gzip
//   file := (sentence "\n")+                                      ; UTF-8, line n of both is one pair
//
// Source: Elliott et al., "Multi30K: multilingual English-German image descriptions", 2016.
//
// Symbols are byte pairs learned from the training sentences of both languages (byte_pairs.h). A sample has
// S source positions and T target positions. Of a pair with symbols e and g, where E is the end:
//   symbols  e E 0 0 ... (S of them), then begin g 0 0 ... (T of them)
//   labels   g E, and none behind (T of them)
// What is longer than its positions is cut off, the end first: a sentence that was cut has none to learn.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"
#include "runtime/data/dataset.h"
#include "runtime/data/text_lines.h"
#include "runtime/data/translations.h"

namespace sterna::data {

std::unique_ptr<Dataset> make_multi30k(const DatasetOptions& options);

namespace {

constexpr std::string_view kTrain = "train";
constexpr std::string_view kTest = "test_2016_flickr";

struct Pairs {
  std::vector<std::string> sources;  // English
  std::vector<std::string> targets;  // German
};

Pairs read_pairs(const std::filesystem::path& directory, std::string_view name) {
  const std::filesystem::path source_path = find_file(directory, cat(name, ".en"));
  const std::filesystem::path target_path = find_file(directory, cat(name, ".de"));
  Pairs pairs{.sources = read_lines(source_path), .targets = read_lines(target_path)};
  if (pairs.sources.size() == pairs.targets.size()) return pairs;
  throw ConfigError(cat("[data] ", target_path.string(), " = ", pairs.targets.size(),
                        " lines: ", source_path.string(), " has ", pairs.sources.size(),
                        ", and each needs its translation; fetch both files again"));
}

// Sentences as symbols, end to end.
class Sentences {
 public:
  Sentences(const std::vector<std::string>& lines, const BytePairs& vocabulary) {
    for (const std::string& line : lines) {
      const std::vector<std::int32_t> encoded = vocabulary.encode(line);
      symbols_.insert(symbols_.end(), encoded.begin(), encoded.end());
      ends_.push_back(symbols_.size());
    }
  }

  std::size_t size() const { return ends_.size(); }
  std::span<const std::int32_t> operator[](std::size_t number) const {
    const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
    return std::span(symbols_).subspan(begin, ends_[number] - begin);
  }

 private:
  std::vector<std::int32_t> symbols_;
  std::vector<std::size_t> ends_;
};

struct EncodedPairs {
  Sentences sources;
  Sentences targets;
};

// The sentence and its end, as far as there is room; `filler` behind.
void write_ended(std::span<const std::int32_t> sentence, std::int32_t filler, std::span<std::int32_t> to) {
  const std::size_t kept = std::min(sentence.size(), to.size());
  std::ranges::copy(sentence.first(kept), to.begin());
  std::ranges::fill(to.subspan(kept), filler);
  if (kept < to.size()) to[kept] = kEnd;
}

class Multi30k final : public Dataset, public Translations {
 public:
  Multi30k(const SampleShape& shape, BytePairs vocabulary, const Pairs& train, Pairs test)
      : shape_(shape),
        source_positions_(shape.input[0] - shape.labels),
        vocabulary_(std::move(vocabulary)),
        train_{Sentences(train.sources, vocabulary_), Sentences(train.targets, vocabulary_)},
        test_{Sentences(test.sources, vocabulary_), Sentences(test.targets, vocabulary_)},
        references_(std::move(test.targets)) {}

  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split split) const override { return pairs(split).sources.size(); }
  const Translations* translations() const override { return this; }
  const BytePairs& vocabulary() const override { return vocabulary_; }

  std::string_view reference(std::uint32_t number) const override {
    STERNA_CHECK(number < references_.size());
    return references_[number];
  }

  void read(Split split, std::uint32_t /*epoch*/, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    const std::size_t positions = shape_.input[0];
    STERNA_CHECK(batch.symbols.size() >= (numbers.size() * positions));
    STERNA_CHECK(batch.labels.size() >= (numbers.size() * shape_.labels));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      STERNA_CHECK(numbers[i] < samples(split));
      const auto symbols = std::span(batch.symbols).subspan(i * positions, positions);
      write_ended(pairs(split).sources[numbers[i]], kPadding, symbols.first(source_positions_));
      write_target(pairs(split).targets[numbers[i]], symbols.subspan(source_positions_),
                   std::span(batch.labels).subspan(i * shape_.labels, shape_.labels));
    }
  }

 private:
  static void write_target(std::span<const std::int32_t> sentence, std::span<std::int32_t> shifted,
                           std::span<std::int32_t> labels) {
    write_ended(sentence, kNoLabel, labels);
    shifted[0] = kBegin;
    for (std::size_t t = 1; t < shifted.size(); ++t) {
      shifted[t] = t - 1 < sentence.size() ? sentence[t - 1] : kPadding;
    }
  }

  const EncodedPairs& pairs(Split split) const { return split == Split::kTrain ? train_ : test_; }

  SampleShape shape_;
  std::size_t source_positions_;
  BytePairs vocabulary_;
  EncodedPairs train_;
  EncodedPairs test_;
  std::vector<std::string> references_;  // of the test sentences
};

void require_translating_model(const SampleShape& wanted) {
  const bool is_sequence = wanted.symbols > 0 && wanted.input.size() == 1;
  if (is_sequence && wanted.labels > 0 && wanted.labels < wanted.input[0]) return;
  throw ConfigError(
      "[data] data = multi30k: has source symbols followed by target symbols, and the model must take those; "
      "take --model transformer, or --data synthetic, which fits every model");
}

void require_size(const DatasetOptions& options) {
  const std::size_t known = std::min(options.wanted.symbols, options.wanted.classes);
  const auto fewest = static_cast<std::size_t>(kFirstMerge);
  if (options.vocabulary_size >= fewest && options.vocabulary_size <= known) return;
  throw ConfigError(cat("[data] vocabulary-size = ", options.vocabulary_size, ": must be in [", fewest, ", ",
                        known,
                        "], no more than the model's symbols; try --vocabulary-size 8000 and "
                        "--model-arg vocab=8000"));
}

BytePairs learned(const Pairs& pairs, std::size_t wanted) {
  std::vector<std::string> lines = pairs.sources;
  lines.insert(lines.end(), pairs.targets.begin(), pairs.targets.end());
  return learn_byte_pairs(lines, wanted);
}

// Read where there is such a file; else learned, and written if a file is named.
BytePairs find_vocabulary(const DatasetOptions& options, const Pairs& train) {
  const std::filesystem::path& path = options.vocabulary;
  std::error_code ignored;  // what cannot be looked at cannot be written either, and that is reported
  if (path.empty() || !std::filesystem::exists(path, ignored)) {
    BytePairs vocabulary = learned(train, options.vocabulary_size);
    if (!path.empty()) write_byte_pairs(path, vocabulary);
    return vocabulary;
  }
  BytePairs vocabulary = read_byte_pairs(path);
  if (vocabulary.wanted() == options.vocabulary_size) return vocabulary;
  throw ConfigError(cat("[data] vocabulary-size = ", options.vocabulary_size, ": ", path.string(),
                        " was learned with ", vocabulary.wanted(), "; give --vocabulary-size ",
                        vocabulary.wanted(), ", or another --vocabulary"));
}

}  // namespace

std::unique_ptr<Dataset> make_multi30k(const DatasetOptions& options) {
  require_translating_model(options.wanted);
  require_size(options);
  require_directory(options.directory, "multi30k", "train.en, train.de, test_2016_flickr.en and .de");
  const Pairs train = read_pairs(options.directory, kTrain);
  Pairs test = read_pairs(options.directory, kTest);
  return std::make_unique<Multi30k>(options.wanted, find_vocabulary(options, train), train, std::move(test));
}

}  // namespace sterna::data
