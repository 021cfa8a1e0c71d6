// The data set synthetic: made up for the shape that a model wants, without files, and learnable.
//
// Every sample is a function of (seed, split, number) alone; one permutation of the symbols is stored.
//
//   real inputs
//     A label's part of the input is +-1/2, by the prototype of its class, plus uniform noise in [-3/2, 3/2]:
//     mean 0, variance 1. Images have one prototype value for each 4 x 4 pixels, so that convolution and
//     pooling can see it.
//   symbols with one label
//     The class has a motif of 4 symbols, repeated; a position shows it with probability 1/2 and any symbol
//     otherwise.
//   symbols with several labels, which belong to the last positions
//     The next symbol is a fixed permutation of this one with probability 0.9 and any symbol otherwise; a
//     position's label is its next symbol.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "runtime/data/dataset.h"
#include "runtime/data/permutation.h"

namespace sterna::data {

std::unique_ptr<Dataset> make_synthetic(const DatasetOptions& options);

namespace {

constexpr std::size_t kTrainSamples = 8192;
constexpr std::size_t kTestSamples = 1024;
constexpr std::size_t kCellPixels = 4;  // side of the squares that share a prototype value
constexpr std::size_t kMotifSymbols = 4;

// What a random stream of this file decides; its place in the key is `layer`.
enum class Draw : std::uint16_t { kLabel, kNoise, kPrototype, kPermutation, kSymbol, kIsNoise };

struct Sample {
  std::uint64_t seed;
  Split split;
  std::uint32_t number;

  [[nodiscard]] RandomKey key(Draw draw) const {
    return {.seed = seed,
            .use = RandomUse::kSyntheticData,
            .learner = split == Split::kTrain ? 0u : 1u,
            .step = number,
            .layer = static_cast<std::uint16_t>(draw)};
  }
};

RandomKey class_key(std::uint64_t seed, std::uint32_t class_number) {
  return {.seed = seed,
          .use = RandomUse::kSyntheticData,
          .step = class_number,
          .layer = static_cast<std::uint16_t>(Draw::kPrototype)};
}

// For each element of one label's part of the input, the number of the prototype value that it shows.
std::vector<std::uint32_t> prototype_cells(const SampleShape& shape) {
  const std::size_t elements = input_elements(shape) / shape.labels;
  std::vector<std::uint32_t> cells(elements);
  const bool is_image = shape.input.size() == 3 && shape.labels == 1;
  const std::size_t height = is_image ? shape.input[1] : 1;
  const std::size_t width = is_image ? shape.input[2] : 1;
  const std::size_t cell_rows = (height + kCellPixels - 1) / kCellPixels;
  const std::size_t cell_columns = (width + kCellPixels - 1) / kCellPixels;
  for (std::size_t i = 0; i < elements; ++i) {
    const std::size_t channel = i / (height * width);
    const std::size_t cell_row = i / width % height / kCellPixels;
    const std::size_t cell_column = i % width / kCellPixels;
    cells[i] = static_cast<std::uint32_t>((channel * cell_rows + cell_row) * cell_columns + cell_column);
  }
  return cells;
}

class Synthetic final : public Dataset {
 public:
  explicit Synthetic(const DatasetOptions& options)
      : shape_(options.wanted), seed_(options.seed), input_elements_(input_elements(shape_)) {
    if (shape_.symbols == 0) {
      cells_ = prototype_cells(shape_);
    } else {
      const RandomKey key =
          Sample{.seed = seed_, .split = Split::kTrain, .number = 0}.key(Draw::kPermutation);
      successor_ = random_permutation(key, static_cast<std::uint32_t>(shape_.symbols));
    }
  }

  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split split) const override {
    return split == Split::kTrain ? kTrainSamples : kTestSamples;
  }
  std::int32_t label(std::uint32_t number) const override {
    STERNA_CHECK(number < kTrainSamples);
    if (shape_.labels != 1) return kNoLabel;
    return static_cast<std::int32_t>(
        draw_label({.seed = seed_, .split = Split::kTrain, .number = number}, 0));
  }

  void read(Split split, std::uint32_t /*epoch*/, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    const std::size_t elements = numbers.size() * input_elements_;
    STERNA_CHECK((shape_.symbols == 0 ? batch.inputs.size() : batch.symbols.size()) >= elements);
    STERNA_CHECK(batch.labels.size() >= (numbers.size() * shape_.labels));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      STERNA_CHECK(numbers[i] < samples(split));
      const Sample sample{.seed = seed_, .split = split, .number = numbers[i]};
      const auto labels = std::span(batch.labels).subspan(i * shape_.labels, shape_.labels);
      if (shape_.symbols == 0) {
        write_real(sample, std::span(batch.inputs).subspan(i * input_elements_, input_elements_), labels);
      } else {
        const auto symbols = std::span(batch.symbols).subspan(i * input_elements_, input_elements_);
        shape_.labels == 1 ? write_motif(sample, symbols, labels) : write_sequence(sample, symbols, labels);
      }
    }
  }

 private:
  void write_real(const Sample& sample, std::span<float> input, std::span<std::int32_t> labels) const {
    const std::size_t part_elements = cells_.size();
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::uint32_t label = draw_label(sample, i);
      labels[i] = static_cast<std::int32_t>(label);
      write_prototype(label, input.subspan(i * part_elements, part_elements));
    }
    add_noise(sample, input);
  }

  // One random word holds the signs of 32 prototype values.
  void write_prototype(std::uint32_t label, std::span<float> part) const {
    const RandomKey key = class_key(seed_, label);
    std::uint32_t word_number = 0;
    std::uint32_t word = random_bits(key, word_number);
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (cells_[i] / 32 != word_number) {
        word_number = cells_[i] / 32;
        word = random_bits(key, word_number);
      }
      part[i] = (word >> (cells_[i] % 32) & 1u) != 0 ? 0.5f : -0.5f;
    }
  }

  // One random word holds the noise of 4 elements, in 256 steps: reading must keep up with training.
  void add_noise(const Sample& sample, std::span<float> input) const {
    const RandomKey key = sample.key(Draw::kNoise);
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < input.size(); ++i) {
      word = i % 4 == 0 ? random_bits(key, i / 4) : word >> 8;
      input[i] += (static_cast<float>(word & 0xFFu) - 127.5f) * (1.5f / 127.5f);
    }
  }

  void write_motif(const Sample& sample, std::span<std::int32_t> symbols,
                   std::span<std::int32_t> labels) const {
    const std::uint32_t label = draw_label(sample, 0);
    labels[0] = static_cast<std::int32_t>(label);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const bool is_noise = random_below(sample.key(Draw::kIsNoise), i, 2) == 0;
      const RandomKey key = is_noise ? sample.key(Draw::kSymbol) : class_key(seed_, label);
      symbols[i] = static_cast<std::int32_t>(draw_symbol(key, is_noise ? i : i % kMotifSymbols));
    }
  }

  void write_sequence(const Sample& sample, std::span<std::int32_t> symbols,
                      std::span<std::int32_t> labels) const {
    std::uint32_t symbol = draw_symbol(sample.key(Draw::kSymbol), symbols.size());
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      symbols[i] = static_cast<std::int32_t>(symbol);
      const bool is_noise = random_below(sample.key(Draw::kIsNoise), i, 10) == 0;
      symbol = is_noise ? draw_symbol(sample.key(Draw::kSymbol), i) : successor_[symbol];
      const std::size_t unlabelled = symbols.size() - labels.size();  // come first
      if (i >= unlabelled) labels[i - unlabelled] = static_cast<std::int32_t>(symbol % shape_.classes);
    }
  }

  std::uint32_t draw_label(const Sample& sample, std::size_t index) const {
    return random_below(sample.key(Draw::kLabel), index, static_cast<std::uint32_t>(shape_.classes));
  }
  std::uint32_t draw_symbol(const RandomKey& key, std::size_t index) const {
    return random_below(key, index, static_cast<std::uint32_t>(shape_.symbols));
  }

  SampleShape shape_;
  std::uint64_t seed_;
  std::size_t input_elements_;
  std::vector<std::uint32_t> cells_;      // real inputs: element -> prototype value
  std::vector<std::uint32_t> successor_;  // symbols: symbol -> the one that follows it
};

[[noreturn]] void refuse(const char* what, const std::string& value, const char* legal) {
  throw ConfigError(cat("[data] data = synthetic, the model's ", what, " = ", value, ": ", legal,
                        "; take another model, or a data set made for this one"));
}

}  // namespace

std::unique_ptr<Dataset> make_synthetic(const DatasetOptions& options) {
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  const SampleShape& shape = options.wanted;
  const std::size_t elements = input_elements(shape);
  if (shape.input.empty() || elements == 0) refuse("input", joined(shape.input, " x "), "must have elements");
  if (shape.classes == 0 || shape.classes > kMost)
    refuse("classes", cat(shape.classes), "must be in [1, 2^31)");
  if (shape.symbols > kMost) refuse("symbols", cat(shape.symbols), "must be below 2^31");
  const bool fits = shape.symbols == 0 ? shape.labels > 0 && elements % shape.labels == 0
                                       : shape.labels >= 1 && shape.labels <= elements;
  if (!fits) {
    refuse("labels", cat(shape.labels), "must divide the real inputs, or be no more than the symbols");
  }
  return std::make_unique<Synthetic>(options);
}

}  // namespace sterna::data
