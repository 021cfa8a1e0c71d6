// The data set text: the bytes of one file, for models that tell the next symbol at every position.
//
//   file := byte+    ; the first floor(9 N / 10) of N bytes are there to train on, the others to test
//
// A byte's symbol is its rank among the different bytes of the whole file. A sample is T consecutive symbols,
// the model's positions, and its labels are the T symbols that follow each. Samples of an epoch are windows
// that do not overlap: window w of the n bytes to train on begins at o + w T, where the offset o in [0, T) is
// a function of seed and epoch, so each epoch cuts the text elsewhere. There are floor((n - T) / T) of them,
// as many as fit at every offset. Windows of the test data begin at w T.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "runtime/data/byte_source.h"
#include "runtime/data/dataset.h"

namespace sterna::data {

std::unique_ptr<Dataset> make_text(const DatasetOptions& options);

namespace {

constexpr std::string_view kFile = "input.txt";

// Sets this file's stream apart from that of an epoch's permutation, which is a kShuffle with layer 0.
constexpr std::uint16_t kOffsetLayer = 1;

std::size_t train_bytes(std::size_t bytes) {
  return bytes / 10 * 9 + bytes % 10 * 9 / 10;  // floor(9 bytes / 10), but 9 bytes cannot overflow
}

class Text final : public Dataset {
 public:
  //   symbols  of the whole file, more than 10 times as many as `shape` has positions
  Text(std::string symbols, const DatasetOptions& options)
      : shape_(options.wanted),
        positions_(shape_.labels),
        seed_(options.seed),
        symbols_(std::move(symbols)),
        train_bytes_(train_bytes(symbols_.size())) {}

  const SampleShape& sample_shape() const override { return shape_; }

  std::size_t samples(Split split) const override {
    const std::size_t unused =
        split == Split::kTrain ? positions_ : 1;  // for offsets, and for the last label
    return (part(split).size() - unused) / positions_;
  }

  void read(Split split, std::uint32_t epoch, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    STERNA_CHECK(batch.symbols.size() >= (numbers.size() * positions_));
    STERNA_CHECK(batch.labels.size() >= (numbers.size() * positions_));
    const std::string_view text = part(split);
    const std::size_t offset = split == Split::kTrain ? train_offset(epoch) : 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      STERNA_CHECK(numbers[i] < samples(split));
      const std::string_view window = text.substr(offset + numbers[i] * positions_, positions_ + 1);
      for (std::size_t t = 0; t < positions_; ++t) {
        batch.symbols[i * positions_ + t] = static_cast<unsigned char>(window[t]);
        batch.labels[i * positions_ + t] = static_cast<unsigned char>(window[t + 1]);
      }
    }
  }

 private:
  std::string_view part(Split split) const {
    const std::string_view whole = symbols_;
    return split == Split::kTrain ? whole.substr(0, train_bytes_) : whole.substr(train_bytes_);
  }

  std::size_t train_offset(std::uint32_t epoch) const {
    const RandomKey key{.seed = seed_, .use = RandomUse::kShuffle, .step = epoch, .layer = kOffsetLayer};
    return random_below(key, 0, static_cast<std::uint32_t>(positions_));
  }

  SampleShape shape_;
  std::size_t positions_;  // T
  std::uint64_t seed_;
  std::string symbols_;  // one byte each
  std::size_t train_bytes_;
};

void require_next_symbol_model(const SampleShape& wanted) {
  const bool is_sequence = wanted.symbols > 0 && wanted.input.size() == 1;
  if (is_sequence && wanted.labels > 0 && wanted.labels == wanted.input[0]) return;
  throw ConfigError(
      "[data] data = text: has symbols with a label at every position, and the model must take those; take a "
      "model that tells the next symbol, or --data synthetic, which fits every model");
}

// With more than 10 T bytes there is a sample to test, and there are some to train on.
void require_samples(const std::filesystem::path& path, std::size_t bytes, std::size_t positions) {
  if (bytes / 10 > positions || (bytes / 10 == positions && bytes % 10 > 0)) return;
  throw ConfigError(
      cat("[data] ", path.string(), " = ", bytes,
          " bytes: must be more than 10 times as many as the model has positions, ", positions,
          ", for the last tenth is there to test; take a longer text, or set the model's number "
          "of positions, --model-arg, lower"));
}

// Replaces each byte by its symbol; returns how many symbols there are.
std::size_t bytes_to_symbols(std::string& bytes) {
  std::array<bool, 256> is_there{};
  for (char byte : bytes) is_there[static_cast<unsigned char>(byte)] = true;
  std::array<char, 256> symbol_of{};
  std::size_t symbols = 0;
  for (std::size_t byte = 0; byte < is_there.size(); ++byte) {
    if (is_there[byte]) symbol_of[byte] = static_cast<char>(symbols++);
  }
  for (char& byte : bytes) byte = symbol_of[static_cast<unsigned char>(byte)];
  return symbols;
}

}  // namespace

std::unique_ptr<Dataset> make_text(const DatasetOptions& options) {
  require_next_symbol_model(options.wanted);
  require_directory(options.directory, "text", kFile);
  const std::filesystem::path path = find_file(options.directory, kFile);
  std::string text = read_file(path);
  require_samples(path, text.size(), options.wanted.labels);
  const std::size_t symbols = bytes_to_symbols(text);
  const std::size_t known = std::min(options.wanted.symbols, options.wanted.classes);
  if (symbols > known) {
    throw ConfigError(cat("[data] ", path.string(), " = ", symbols,
                          " different bytes: must be no more than the model's symbols, ", known,
                          "; set the model's number of symbols, --model-arg, to ", symbols));
  }
  return std::make_unique<Text>(std::move(text), options);
}

}  // namespace sterna::data
