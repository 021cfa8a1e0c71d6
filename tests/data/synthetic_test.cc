#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/dataset.h"
#include "tests/support/scratch_directory.h"

namespace sterna::data {
namespace {

using testing::HasSubstr;

const SampleShape kImages{.input = {3, 12, 12}, .classes = 10};
const SampleShape kFeatures{.input = {440}, .classes = 5999};
const SampleShape kFrames{.input = {7, 40}, .classes = 20, .labels = 7};
const SampleShape kLanguage{.input = {32}, .classes = 50, .labels = 32, .symbols = 50};
const SampleShape kPairs{.input = {32}, .classes = 50, .labels = 12, .symbols = 50};  // source and target
const SampleShape kTopics{.input = {32}, .classes = 5, .labels = 1, .symbols = 50};

std::unique_ptr<Dataset> make(const SampleShape& wanted, std::uint64_t seed = 1) {
  return make_dataset("synthetic", {.wanted = wanted, .seed = seed});
}

Batch read(const Dataset& dataset, Split split, const std::vector<std::uint32_t>& numbers) {
  Batch batch = make_batch(dataset.sample_shape(), numbers.size());
  dataset.read(split, /*epoch=*/0, numbers, batch);
  return batch;
}

std::vector<std::uint32_t> first_numbers(std::size_t n) {
  std::vector<std::uint32_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

bool operator==(const Batch& a, const Batch& b) {
  return a.inputs == b.inputs && a.symbols == b.symbols && a.labels == b.labels;
}

class EveryShape : public testing::TestWithParam<SampleShape> {};

TEST_P(EveryShape, IsTakenAsWantedWithLabelsAndSymbolsInRange) {
  const auto dataset = make(GetParam());
  EXPECT_EQ(dataset->sample_shape(), GetParam());
  EXPECT_EQ(dataset->samples(Split::kTrain), 8192u);
  EXPECT_EQ(dataset->samples(Split::kTest), 1024u);
  const Batch batch = read(*dataset, Split::kTrain, {0, 1, 4095, 8191});
  const auto classes = static_cast<std::int32_t>(GetParam().classes);
  const auto symbols = static_cast<std::int32_t>(GetParam().symbols);
  EXPECT_THAT(batch.labels, testing::Each(testing::AllOf(testing::Ge(0), testing::Lt(classes))));
  EXPECT_THAT(batch.symbols, testing::Each(testing::AllOf(testing::Ge(0), testing::Lt(symbols))));
  EXPECT_THAT(batch.inputs, testing::Each(testing::AllOf(testing::Ge(-2.0f), testing::Le(2.0f))));
}

TEST_P(EveryShape, GivesASampleByItsNumberWhateverElseIsRead) {
  const Batch pair = read(*make(GetParam()), Split::kTrain, {17, 5});
  const Batch alone = read(*make(GetParam()), Split::kTrain, {5});
  EXPECT_TRUE(
      std::equal(alone.labels.begin(), alone.labels.end(), pair.labels.begin() + pair.labels.size() / 2));
  EXPECT_TRUE(
      std::equal(alone.inputs.begin(), alone.inputs.end(), pair.inputs.begin() + pair.inputs.size() / 2));
  EXPECT_TRUE(
      std::equal(alone.symbols.begin(), alone.symbols.end(), pair.symbols.begin() + pair.symbols.size() / 2));
}

TEST_P(EveryShape, TellsALabelWhereASampleHasOne) {
  const auto dataset = make(GetParam());
  for (std::uint32_t number : {0u, 17u, 8191u}) {
    const Batch batch = read(*dataset, Split::kTrain, {number});
    EXPECT_EQ(dataset->label(number), batch.labels.size() == 1 ? batch.labels[0] : kNoLabel);
  }
}

TEST_P(EveryShape, DiffersBySeedSplitAndNumber) {
  const Batch base = read(*make(GetParam()), Split::kTrain, {5});
  EXPECT_TRUE(base == read(*make(GetParam()), Split::kTrain, {5}));
  EXPECT_FALSE(base == read(*make(GetParam(), /*seed=*/2), Split::kTrain, {5}));
  EXPECT_FALSE(base == read(*make(GetParam()), Split::kTest, {5}));
  EXPECT_FALSE(base == read(*make(GetParam()), Split::kTrain, {6}));
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryShape,
                         testing::Values(kImages, kFeatures, kFrames, kLanguage, kPairs, kTopics));

// The nearest mean of 2000 training samples must name the class of test samples. Two prototypes differ by 1
// in about half of 432 values: squared distance 216. A sample fails where noise of variance 3/4, projected on
// that difference (deviation sqrt(3/4 216) = 12.7), exceeds half of it, 108: 8.5 deviations, so none is
// expected to.
TEST(Synthetic, ImagesAreLearnableFromTheMeansOfTheirClasses) {
  const auto dataset = make(kImages);
  const std::size_t elements = input_elements(kImages);
  const Batch train = read(*dataset, Split::kTrain, first_numbers(2000));
  std::vector<std::vector<double>> means(kImages.classes, std::vector<double>(elements, 0.0));
  std::vector<double> counts(kImages.classes, 0.0);
  for (std::size_t i = 0; i < 2000; ++i) counts[static_cast<std::size_t>(train.labels[i])] += 1.0;
  for (std::size_t i = 0; i < 2000 * elements; ++i) {
    const auto label = static_cast<std::size_t>(train.labels[i / elements]);
    means[label][i % elements] += static_cast<double>(train.inputs[i]) / counts[label];
  }
  const Batch test = read(*dataset, Split::kTest, first_numbers(200));
  for (std::size_t i = 0; i < 200; ++i) {
    std::vector<double> distances(kImages.classes, 0.0);
    for (std::size_t label = 0; label < kImages.classes; ++label) {
      for (std::size_t j = 0; j < elements; ++j) {
        distances[label] +=
            std::pow(static_cast<double>(test.inputs[i * elements + j]) - means[label][j], 2.0);
      }
    }
    EXPECT_EQ(std::ranges::min_element(distances) - distances.begin(), test.labels[i]) << "test sample " << i;
  }
}

TEST(Synthetic, LabelsOfFewerPositionsAreThoseOfTheLastOnes) {
  const Batch all = read(*make(kLanguage), Split::kTrain, {3});
  const Batch last = read(*make(kPairs), Split::kTrain, {3});
  EXPECT_EQ(last.symbols, all.symbols);
  EXPECT_EQ(last.labels, std::vector(all.labels.end() - 12, all.labels.end()));
}

// Variance 1/4 of the prototype, 3/4 (256^2 - 1) / 255^2 = 0.756 of the noise. Noise: 43200 independent
// values. Prototype: only 10 classes of 27 cells differ, each of 48 pixels; their mean has deviation 0.5 /
// sqrt(270) = 0.03; 5 deviations.
TEST(Synthetic, RealInputsHaveMeanZeroAndVarianceOne) {
  const Batch batch = read(*make(kImages), Split::kTrain, first_numbers(100));
  const double n = static_cast<double>(batch.inputs.size());
  double sum = 0.0;
  double squares = 0.0;
  for (float value : batch.inputs) {
    sum += value;
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(sum / n, 0.0, 5 * 0.03);
  EXPECT_NEAR(squares / n, 1.006, 0.05);
}

// With every sample's noise averaged away over the samples of one class, pixels of one 4 x 4 cell are alike:
// a mean of about 200 samples has deviation sqrt(3/4 / 200) = 0.06, and two pixels differ by less than
// 1/2, 5.8 deviations of the difference; so all signs within a cell agree.
TEST(Synthetic, ImagesHaveOnePrototypeValueForEachCell) {
  const Batch batch = read(*make(kImages), Split::kTrain, first_numbers(2000));
  std::vector<double> sums(3 * 12 * 12, 0.0);
  for (std::size_t i = 0; i < 2000; ++i) {
    if (batch.labels[i] != 4) continue;
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += batch.inputs[i * sums.size() + j];
  }
  bool has_positive = false;
  bool has_negative = false;
  for (std::size_t j = 0; j < sums.size(); ++j) {
    const std::size_t row = j / 12 % 12;
    const std::size_t column = j % 12;
    const std::size_t cell_start = j - (row % 4) * 12 - column % 4;
    EXPECT_EQ(sums[j] > 0.0, sums[cell_start] > 0.0) << "element " << j;
    (sums[j] > 0.0 ? has_positive : has_negative) = true;
  }
  EXPECT_TRUE(has_positive && has_negative);
}

// A part's sum of products with the class's other parts is 40 / 4 = 10 on average; checked over many pairs.
TEST(Synthetic, FramesOfOneClassResembleEachOther) {
  const Batch batch = read(*make(kFrames), Split::kTrain, first_numbers(100));
  double alike = 0.0, different = 0.0, alike_pairs = 0.0, different_pairs = 0.0;
  for (std::size_t a = 0; a < batch.labels.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const float* first = batch.inputs.data() + 40 * a;
      const double product = std::inner_product(first, first + 40, batch.inputs.data() + 40 * b, 0.0);
      const bool is_same = batch.labels[a] == batch.labels[b];
      (is_same ? alike : different) += product;
      (is_same ? alike_pairs : different_pairs) += 1.0;
    }
  }
  // About 12000 pairs of one class; a product's deviation is at most sqrt(40) = 6.4, its mean's well below 1.
  EXPECT_NEAR(alike / alike_pairs, 10.0, 1.0);
  EXPECT_NEAR(different / different_pairs, 0.0, 1.0);
}

// The most frequent successor of each symbol is a permutation, shown with probability 0.9 + 0.1 / 50 = 0.902.
// Of 6400 places, the share of followers has deviation sqrt(0.902 0.098 / 6400) = 0.0037; the bound is 5 of
// them.
TEST(Synthetic, NextSymbolsFollowAPermutationNineTimesInTen) {
  const Batch batch = read(*make(kLanguage), Split::kTrain, first_numbers(200));
  std::map<std::int32_t, std::map<std::int32_t, int>> followers;
  for (std::size_t i = 0; i < batch.symbols.size(); ++i) ++followers[batch.symbols[i]][batch.labels[i]];
  std::map<std::int32_t, int> successors;
  double followed = 0.0;
  for (const auto& [symbol, counts] : followers) {
    const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
    ++successors[most->first];
    followed += most->second;
  }
  EXPECT_EQ(successors.size(), 50u);
  EXPECT_NEAR(followed / static_cast<double>(batch.symbols.size()), 0.902, 5 * 0.0037);
}

TEST(Synthetic, LabelsOfASequenceAreItsNextSymbols) {
  const Batch batch = read(*make(kLanguage), Split::kTest, {3});
  for (std::size_t i = 0; i + 1 < 32; ++i) EXPECT_EQ(batch.labels[i], batch.symbols[i + 1]);
}

// Position i shows the class's motif with probability 1/2 + 1/2 / 50 = 0.51; over 500 samples of 32 positions
// the share has deviation 0.004.
TEST(Synthetic, TopicsShowTheirMotifInHalfOfThePositions) {
  const Batch batch = read(*make(kTopics), Split::kTrain, first_numbers(500));
  std::map<std::pair<std::int32_t, std::size_t>, std::map<std::int32_t, int>>
      counts;  // (class, place) -> symbol
  for (std::size_t i = 0; i < batch.symbols.size(); ++i) {
    ++counts[{batch.labels[i / 32], i % 32 % 4}][batch.symbols[i]];
  }
  ASSERT_EQ(counts.size(), 5u * 4u);
  double shown = 0.0;
  for (const auto& [place, symbols] : counts) {
    shown += std::ranges::max_element(symbols, {}, [](const auto& entry) { return entry.second; })->second;
  }
  EXPECT_NEAR(shown / static_cast<double>(batch.symbols.size()), 0.51, 5 * 0.004);
}

TEST(Synthetic, RefusesShapesThatItCannotMake) {
  const auto refusal = [](const SampleShape& wanted) {
    return test::message_of<ConfigError>([&] { (void)make(wanted); });
  };
  EXPECT_THAT(refusal({.input = {}, .classes = 2}), HasSubstr("input"));
  EXPECT_THAT(refusal({.input = {3, 0}, .classes = 2}), HasSubstr("input = 3 x 0"));
  EXPECT_THAT(refusal({.input = {3}, .classes = 0}), HasSubstr("classes = 0"));
  EXPECT_THAT(refusal({.input = {3}, .classes = std::size_t{1} << 31}), HasSubstr("classes = 2147483648"));
  EXPECT_THAT(refusal({.input = {3}, .classes = 2, .labels = 0}), HasSubstr("labels = 0"));
  EXPECT_THAT(refusal({.input = {3}, .classes = 2, .labels = 2}), HasSubstr("labels = 2"));
  EXPECT_THAT(refusal({.input = {4}, .classes = 2, .labels = 5, .symbols = 2}), HasSubstr("labels = 5"));
  EXPECT_THAT(refusal({.input = {4}, .classes = 2, .labels = 1, .symbols = std::size_t{1} << 31}),
              HasSubstr("symbols = 2147483648"));
}

TEST(Synthetic, ChecksWhatItIsAskedFor) {
  const auto dataset = make(kTopics);
  EXPECT_THROW((void)read(*dataset, Split::kTest, {1024}), InternalError);
  Batch batch = make_batch(kTopics, 1);
  EXPECT_THROW(dataset->read(Split::kTest, /*epoch=*/0, std::array{0u, 1u}, batch), InternalError);
}

}  // namespace
}  // namespace sterna::data
