// text, read from files that the tests write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "runtime/data/loader.h"
#include "tests/data/data_probe.h"

namespace sterna::data {
namespace {

using test::refusal_of;
using test::samples_of;
using testing::HasSubstr;

using Symbols = std::vector<std::int32_t>;

SampleShape next_symbol(std::size_t positions, std::size_t symbols) {
  return {.input = {positions}, .classes = symbols, .labels = positions, .symbols = symbols};
}

class Text : public testing::Test {
 protected:
  DatasetOptions options(const SampleShape& wanted, std::uint64_t seed = 1) const {
    return {.directory = scratch_.path(), .wanted = wanted, .seed = seed};
  }

  // Opens a text whose byte i is i, so that a symbol is its place; at most 256 bytes.
  std::unique_ptr<Dataset> places(std::size_t bytes, std::size_t positions, std::uint64_t seed = 1) const {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(i);
    scratch_.write("input.txt", text);
    return make_dataset("text", options(next_symbol(positions, 256), seed));
  }

  test::ScratchDirectory scratch_;
};

// Returns where window 0 of an epoch begins.
std::int32_t offset_of(const Dataset& dataset, std::uint32_t epoch) {
  return samples_of(dataset, Split::kTrain, {0}, epoch).symbols[0];
}

// The sorted bytes are newline, space, a, b, c, e and 0xE9, of which e and 0xE9 are in the test part alone:
// symbols 0 to 6. Of 21 bytes, floor(18.9) = 18 are there to train on.
TEST_F(Text, RanksTheBytesOfTheWholeFileAndSplitsItNineToOne) {
  scratch_.write("input.txt", std::string("abc abc\nabc abc\nab") + "e\xE9" + "a");
  const SampleShape wanted = next_symbol(2, 7);
  const auto dataset = make_dataset("text", options(wanted));
  EXPECT_EQ(dataset->sample_shape(), wanted);
  EXPECT_EQ(dataset->samples(Split::kTrain), 8u);  // (18 - 2) / 2
  EXPECT_EQ(dataset->samples(Split::kTest), 1u);   // (3 - 1) / 2
  const Symbols train = {2, 3, 4, 1, 2, 3, 4, 0, 2, 3, 4, 1, 2, 3, 4, 0, 2, 3};
  const Batch batch = samples_of(*dataset, Split::kTrain, {0, 1, 2, 3, 4, 5, 6, 7});
  const std::ptrdiff_t offset = batch.symbols[0] == 2 ? 0 : 1;
  EXPECT_EQ(batch.symbols, Symbols(train.begin() + offset, train.begin() + offset + 16));
  EXPECT_EQ(batch.labels, Symbols(train.begin() + offset + 1, train.begin() + offset + 17));
  const Batch test = samples_of(*dataset, Split::kTest, {0});
  EXPECT_EQ(test.symbols, (Symbols{5, 6}));
  EXPECT_EQ(test.labels, (Symbols{6, 2}));
}

// 253 bytes: floor(227.7) = 227 to train on, which are (227 - 7) / 7 = 31 samples, and 26 to test, 3 samples.
TEST_F(Text, CutsEachEpochIntoDisjointWindowsOfConsecutiveBytes) {
  constexpr std::int32_t kPositions = 7;
  const auto dataset = places(253, kPositions);
  ASSERT_EQ(dataset->samples(Split::kTrain), 31u);
  std::vector<std::uint32_t> numbers(31);
  for (std::uint32_t i = 0; i < 31; ++i) numbers[i] = i;
  std::set<std::int32_t> offsets;
  for (std::uint32_t epoch = 0; epoch < 100; ++epoch) {
    const Batch batch = samples_of(*dataset, Split::kTrain, numbers, epoch);
    const std::int32_t offset = batch.symbols[0];
    for (std::int32_t i = 0; i < 31 * kPositions; ++i) {
      ASSERT_EQ(batch.symbols[static_cast<std::size_t>(i)], offset + i) << "epoch " << epoch;
      ASSERT_EQ(batch.labels[static_cast<std::size_t>(i)], offset + i + 1) << "the byte that follows";
    }
    EXPECT_LT(batch.labels.back(), 227) << "nothing of the test part is trained on";
    offsets.insert(offset);
  }
  EXPECT_EQ(offsets, (std::set<std::int32_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST_F(Text, ReadsTheTestPartAlikeInEveryEpoch) {
  const auto dataset = places(253, 7);
  ASSERT_EQ(dataset->samples(Split::kTest), 3u);
  for (std::uint32_t epoch : {0u, 1u, 2u, 77u}) {
    const Batch batch = samples_of(*dataset, Split::kTest, {0, 2}, epoch);
    EXPECT_EQ(batch.symbols, (Symbols{227, 228, 229, 230, 231, 232, 233, 241, 242, 243, 244, 245, 246, 247}));
    EXPECT_EQ(batch.labels, (Symbols{228, 229, 230, 231, 232, 233, 234, 242, 243, 244, 245, 246, 247, 248}));
  }
}

TEST_F(Text, DrawsTheOffsetFromSeedAndEpoch) {
  const auto offsets = [&](std::uint64_t seed) {
    const auto dataset = places(250, 20, seed);
    Symbols drawn;
    for (std::uint32_t epoch = 0; epoch < 16; ++epoch) drawn.push_back(offset_of(*dataset, epoch));
    return drawn;
  };
  EXPECT_EQ(offsets(5), offsets(5));
  EXPECT_NE(offsets(5), offsets(6));
}

TEST_F(Text, GivesALearnerTheSameBatchesOnAnyNumberOfRanks) {
  const auto dataset = places(250, 5);  // 44 samples: 3 steps an epoch
  LoaderOptions options{.batch_samples = 3, .learners = 4, .local_learners = 4, .seed = 1};
  const auto all = make_loader(*dataset, options);
  ASSERT_EQ(all->steps_per_epoch(), 3u);
  std::vector<Batch> of_all;  // step, then learner
  for (int i = 0; i < 4 * 12; ++i) of_all.push_back(all->next());
  for (std::uint32_t local : {1u, 2u}) {
    for (std::uint32_t first = 0; first < 4; first += local) {
      options.first_learner = first;
      options.local_learners = local;
      const auto some = make_loader(*dataset, options);
      for (std::size_t step = 0; step < 12; ++step) {
        for (std::uint32_t learner = first; learner < first + local; ++learner) {
          const Batch& batch = some->next();
          EXPECT_EQ(batch.symbols, of_all[4 * step + learner].symbols);
          EXPECT_EQ(batch.labels, of_all[4 * step + learner].labels);
        }
      }
    }
  }
}

TEST_F(Text, TakesAModelWithMoreSymbolsAndEveryByte) {
  const auto dataset = places(256, 25);
  EXPECT_EQ(dataset->samples(Split::kTrain), 8u);  // (230 - 25) / 25
  EXPECT_EQ(samples_of(*dataset, Split::kTest, {0}).symbols[0], 230);
  const SampleShape wanted = next_symbol(25, 300);
  EXPECT_EQ(make_dataset("text", options(wanted))->sample_shape(), wanted);
}

TEST_F(Text, ChecksWhatItIsAskedFor) {
  const auto dataset = places(100, 5);
  EXPECT_NO_THROW((void)samples_of(*dataset, Split::kTrain, {16}));
  EXPECT_THROW((void)samples_of(*dataset, Split::kTrain, {17}), InternalError);
  EXPECT_THROW((void)samples_of(*dataset, Split::kTest, {1}), InternalError);
  Batch batch = make_batch(dataset->sample_shape(), 1);
  EXPECT_THROW(dataset->read(Split::kTrain, 0, std::array{0u, 1u}, batch), InternalError);
}

TEST_F(Text, IsRefusedWithoutADirectoryOrAFile) {
  EXPECT_THAT(refusal_of("text", {.wanted = next_symbol(5, 65)}), HasSubstr("data-dir = \"\": text needs"));
  EXPECT_THAT(refusal_of("text", options(next_symbol(5, 65))), HasSubstr("must hold the file input.txt"));
}

// With 50 bytes, 5 are there to test, and the label of position 4 would be byte 5 of them.
TEST_F(Text, IsRefusedWhereItIsTooShortForOneSample) {
  const DatasetOptions five = options(next_symbol(5, 65));
  scratch_.write("input.txt", std::string(50, 'x'));
  EXPECT_THAT(
      refusal_of("text", five),
      HasSubstr("input.txt = 50 bytes: must be more than 10 times as many as the model has positions, 5,"));
  scratch_.write("input.txt", "");
  EXPECT_THAT(refusal_of("text", five), HasSubstr("input.txt = 0 bytes"));
  scratch_.write("input.txt", std::string(51, 'x'));
  const auto dataset = make_dataset("text", five);
  EXPECT_EQ(dataset->samples(Split::kTrain), 8u);  // (45 - 5) / 5
  EXPECT_EQ(dataset->samples(Split::kTest), 1u);   // (6 - 1) / 5
}

TEST_F(Text, IsRefusedWithMoreDifferentBytesThanTheModelHasSymbols) {
  (void)places(70, 5);
  EXPECT_THAT(
      refusal_of("text", options(next_symbol(5, 65))),
      HasSubstr("input.txt = 70 different bytes: must be no more than the model's symbols, 65; set the "
                "model's number of symbols, --model-arg, to 70"));
  SampleShape wanted = next_symbol(5, 70);
  wanted.classes = 69;
  EXPECT_THAT(refusal_of("text", options(wanted)), HasSubstr("the model's symbols, 69;"));
}

TEST_F(Text, IsRefusedByAModelThatDoesNotTellTheNextSymbol) {
  for (const SampleShape& wanted : {SampleShape{.input = {1, 28, 28}, .classes = 10},
                                    SampleShape{.input = {5}, .classes = 70, .labels = 5},
                                    SampleShape{.input = {5}, .classes = 2, .labels = 1, .symbols = 70},
                                    SampleShape{.input = {10}, .classes = 70, .labels = 5, .symbols = 70}}) {
    EXPECT_THAT(refusal_of("text", options(wanted)),
                HasSubstr("data = text: has symbols with a label at every position"));
  }
}

}  // namespace
}  // namespace sterna::data
