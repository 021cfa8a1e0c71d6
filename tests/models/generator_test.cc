// What a generator says symbol by symbol, against what its model says of the whole target.
#include "models/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/model.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "tests/models/small_models.h"

namespace sterna::models {
namespace {

constexpr std::size_t kSamples = 5;
constexpr std::size_t kSource = 7;
constexpr std::size_t kTarget = 6;
constexpr std::size_t kSymbols = 11;

// Both sum the same products in another order. A sum of 40 of about 1 is off by less than 40 * 40 *
// 2^-24, 9.5e-5, and by far less where the signs are mixed.
constexpr float kTolerance = 1e-4f;

class TransformerGenerator : public testing::Test {
 protected:
  TransformerGenerator() : values_(model_->parameters().arena_elements(), 0.0f) {
    tensor::initialise(model_->parameters(), /*seed=*/3, values_);
    const RandomKey key{.seed = 4};
    for (std::size_t i = 0; i < batch_.symbols.size(); ++i) {
      // Sources end behind 3, 4, ... symbols.
      const std::size_t position = i % (kSource + kTarget);
      const bool is_padding = position < kSource && position >= 3 + i / (kSource + kTarget);
      batch_.symbols[i] = is_padding ? 0 : 1 + static_cast<std::int32_t>(random_below(key, i, kSymbols - 1));
    }
    const std::span<const float> all = model_->logits(batch_, {.values = values_});
    expected_.assign(all.begin(), all.end());
  }

  std::vector<std::int32_t> sources() const {
    std::vector<std::int32_t> symbols;
    for (std::size_t s = 0; s < kSamples; ++s) {
      for (std::size_t t = 0; t < kSource; ++t)
        symbols.push_back(batch_.symbols[s * (kSource + kTarget) + t]);
    }
    return symbols;
  }
  std::int32_t target(std::size_t sample, std::size_t position) const {
    return batch_.symbols[sample * (kSource + kTarget) + kSource + position];
  }

  // Compares a row of logits with the model's at a position of a sample.
  void expect_row(std::span<const float> logits, std::size_t row, std::size_t sample, std::size_t position) {
    for (std::size_t i = 0; i < kSymbols; ++i) {
      EXPECT_NEAR(logits[row * kSymbols + i], expected_[(sample * kTarget + position) * kSymbols + i],
                  kTolerance)
          << "row " << row << ", position " << position;
    }
  }

  std::unique_ptr<Model> model_ = make_model("transformer", kSamples, small_arguments("transformer"));
  AlignedVector<float> values_;
  data::Batch batch_ = data::make_batch(model_->sample_shape(), kSamples);
  std::vector<float> expected_;  // [samples, target, symbols]
};

TEST_F(TransformerGenerator, SaysOfEachPositionWhatTheModelSays) {
  const auto generator = model_->make_generator({.sources = kSamples});
  for (int pass = 0; pass < 2; ++pass) {  // the second finds what the first has left
    generator->begin(sources(), {.values = values_});
    for (std::size_t t = 0; t < kTarget; ++t) {
      std::vector<std::int32_t> symbols;
      for (std::size_t s = 0; s < kSamples; ++s) symbols.push_back(target(s, t));
      const std::span<const float> logits = generator->next(symbols);
      ASSERT_EQ(logits.size(), kSamples * kSymbols);
      for (std::size_t s = 0; s < kSamples; ++s) expect_row(logits, s, s, t);
    }
    EXPECT_THROW((void)generator->next(std::vector<std::int32_t>(kSamples, 1)), InternalError);
  }
}

// Row 2 s of each source is given another target first, and becomes a copy of row 2 s + 1 behind three
// symbols.
TEST_F(TransformerGenerator, CopiesWhatARowHasSeen) {
  const GeneratorShape shape{.sources = kSamples, .targets = 2};
  const auto generator = model_->make_generator(shape);
  generator->begin(sources(), {.values = values_});
  for (std::size_t t = 0; t < kTarget; ++t) {
    if (t == 3) {
      std::vector<std::size_t> from;
      for (std::size_t row = 0; row < shape.rows(); ++row) from.push_back(row | 1);
      generator->reorder(from);
    }
    std::vector<std::int32_t> symbols;
    for (std::size_t s = 0; s < kSamples; ++s) {
      symbols.push_back(t < 3 ? 1 + target(s, t) % 10 : target(s, t));
      symbols.push_back(target(s, t));
    }
    const std::span<const float> logits = generator->next(symbols);
    for (std::size_t s = 0; s < kSamples; ++s) {
      expect_row(logits, 2 * s + 1, s, t);
      if (t >= 3) expect_row(logits, 2 * s, s, t);
    }
  }
}

TEST_F(TransformerGenerator, OutlivesASourceOfPaddingAlone) {
  const auto generator = model_->make_generator({.sources = 1});
  generator->begin(std::vector<std::int32_t>(kSource, 0), {.values = values_});
  const std::span<const float> logits = generator->next(std::vector<std::int32_t>{1});
  EXPECT_TRUE(std::ranges::all_of(logits, [](float value) { return std::isfinite(value); }));
}

TEST(Generator, IsThereForEncoderAndDecoderAlone) {
  EXPECT_EQ(make_model("gpt", 1, small_arguments("gpt"))->make_generator({.sources = 1}), nullptr);
  EXPECT_EQ(make_model("lenet", 1)->make_generator({.sources = 1}), nullptr);
}

}  // namespace
}  // namespace sterna::models
