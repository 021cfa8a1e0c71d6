#include "runtime/data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/data/loader.h"
#include "tests/data/data_probe.h"

namespace sterna::data {
namespace {

using test::samples_of;
using testing::HasSubstr;

// Images of 2 x 6 x 5; element e of sample n is 100 n + e + 1, so that no pixel is 0.
class Numbered final : public Dataset {
 public:
  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split) const override { return 40; }
  void read(Split, std::uint32_t, std::span<const std::uint32_t> numbers, Batch& batch) const override {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      for (std::size_t e = 0; e < 60; ++e) {
        batch.inputs[60 * i + e] = static_cast<float>(100 * numbers[i] + e + 1);
      }
      batch.labels[i] = static_cast<std::int32_t>(numbers[i]);
    }
  }

 private:
  SampleShape shape_{.input = {2, 6, 5}, .classes = 40};
};

std::unique_ptr<Dataset> crop_flip(std::uint64_t seed = 1) {
  return augmented(std::make_unique<Numbered>(), "crop-flip", seed);
}

// Returns the first sample that is changed so.
std::uint32_t find(int down, int right, bool is_mirrored) {
  for (std::uint32_t number = 0; number < 100000; ++number) {
    const CropFlip change = draw_crop_flip(/*seed=*/1, /*epoch=*/3, number);
    if (change.down == down && change.right == right && change.is_mirrored == is_mirrored) return number;
  }
  ADD_FAILURE() << "no sample is changed so";
  return 0;
}

std::vector<float> first_channel(const Dataset& dataset, std::uint32_t number) {
  const Batch batch = samples_of(dataset, Split::kTrain, {number}, /*epoch=*/3);
  std::vector<float> channel(batch.inputs.begin(), batch.inputs.begin() + 30);
  for (float& value : channel) value -= value == 0.0f ? 0.0f : 100.0f * static_cast<float>(number);
  return channel;
}

// Rows of the first channel: 1-5, 6-10, 11-15, 16-20, 21-25, 26-30. Down by 2 and right by 1, row 0 shows row
// 2 from its second pixel on.
TEST(CropFlip, ShiftsAndFillsWithZeros) {
  EXPECT_EQ(first_channel(*crop_flip(), find(2, 1, false)), (std::vector<float>{12, 13, 14, 15, 0,  //
                                                                                17, 18, 19, 20, 0,  //
                                                                                22, 23, 24, 25, 0,  //
                                                                                27, 28, 29, 30, 0,  //
                                                                                0,  0,  0,  0,  0,  //
                                                                                0,  0,  0,  0,  0}));
}

// Up by 1 and left by 3, then mirrored: row 1 is 0 0 0 1 2 before it is mirrored.
TEST(CropFlip, MirrorsWhatItHasShifted) {
  EXPECT_EQ(first_channel(*crop_flip(), find(-1, -3, true)), (std::vector<float>{0,  0,  0, 0, 0,  //
                                                                                 2,  1,  0, 0, 0,  //
                                                                                 7,  6,  0, 0, 0,  //
                                                                                 12, 11, 0, 0, 0,  //
                                                                                 17, 16, 0, 0, 0,  //
                                                                                 22, 21, 0, 0, 0}));
}

TEST(CropFlip, MirrorsAlone) {
  EXPECT_EQ(first_channel(*crop_flip(), find(0, 0, true)), (std::vector<float>{5,  4,  3,  2,  1,   //
                                                                               10, 9,  8,  7,  6,   //
                                                                               15, 14, 13, 12, 11,  //
                                                                               20, 19, 18, 17, 16,  //
                                                                               25, 24, 23, 22, 21,  //
                                                                               30, 29, 28, 27, 26}));
}

TEST(CropFlip, ChangesAllChannelsAlikeAndNoLabel) {
  const std::uint32_t number = find(2, 1, false);
  const Batch batch = samples_of(*crop_flip(), Split::kTrain, {number}, /*epoch=*/3);
  for (std::size_t e = 0; e < 30; ++e) {
    EXPECT_EQ(batch.inputs[30 + e], batch.inputs[e] == 0.0f ? 0.0f : batch.inputs[e] + 30.0f);
  }
  EXPECT_EQ(batch.labels[0], static_cast<std::int32_t>(number));
}

TEST(CropFlip, LeavesTestDataAlone) {
  const std::vector<std::uint32_t> numbers{0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(samples_of(*crop_flip(), Split::kTest, numbers, /*epoch=*/3).inputs,
            samples_of(Numbered(), Split::kTest, numbers).inputs);
}

TEST(CropFlip, DiffersByEpochSeedAndSample) {
  const Batch base = samples_of(*crop_flip(), Split::kTrain, {0, 1, 2, 3});
  EXPECT_EQ(samples_of(*crop_flip(), Split::kTrain, {0, 1, 2, 3}).inputs, base.inputs);
  EXPECT_NE(samples_of(*crop_flip(), Split::kTrain, {0, 1, 2, 3}, /*epoch=*/1).inputs, base.inputs);
  EXPECT_NE(samples_of(*crop_flip(2), Split::kTrain, {0, 1, 2, 3}).inputs, base.inputs);
  const Batch other_order = samples_of(*crop_flip(), Split::kTrain, {3, 2});
  EXPECT_TRUE(
      std::equal(other_order.inputs.begin(), other_order.inputs.begin() + 60, base.inputs.begin() + 3 * 60))
      << "a sample is changed alike whatever else is read";
}

// 162000 draws of 162 kinds: each kind comes 1000 times on average, with deviation 32; 6 deviations.
TEST(CropFlip, DrawsEachChangeEquallyOften) {
  std::map<std::array<int, 3>, int> counts;
  for (std::uint32_t number = 0; number < 162000; ++number) {
    const CropFlip change = draw_crop_flip(/*seed=*/1, /*epoch=*/0, number);
    ++counts[{change.down, change.right, change.is_mirrored ? 1 : 0}];
  }
  ASSERT_EQ(counts.size(), 9u * 9u * 2u);
  for (const auto& [change, count] : counts) {
    EXPECT_LE(std::abs(change[0]), 4);
    EXPECT_LE(std::abs(change[1]), 4);
    EXPECT_NEAR(count, 1000, 6 * 32);
  }
}

TEST(CropFlip, LeavesLabelsAsTheyAre) {
  const SampleShape images{.input = {3, 12, 12}, .classes = 10};
  const auto plain = make_dataset("synthetic", {.wanted = images});
  const auto changed = make_dataset("synthetic", {.wanted = images, .augment = "crop-flip"});
  for (std::uint32_t number : {0u, 5u}) EXPECT_EQ(changed->label(number), plain->label(number));
  EXPECT_GE(changed->label(0), 0);
}

TEST(CropFlip, GivesALearnerTheSameBatchesOnAnyNumberOfRanks) {
  const auto dataset = crop_flip();
  LoaderOptions options{.batch_samples = 5, .learners = 4, .local_learners = 4, .seed = 1};
  const auto all = make_loader(*dataset, options);
  std::vector<std::vector<float>> of_all;  // step, then learner
  for (int i = 0; i < 4 * 6; ++i) of_all.push_back(all->next().inputs);
  for (std::uint32_t local : {1u, 2u}) {
    for (std::uint32_t first = 0; first < 4; first += local) {
      options.first_learner = first;
      options.local_learners = local;
      const auto some = make_loader(*dataset, options);
      for (std::size_t step = 0; step < 6; ++step) {
        for (std::uint32_t learner = first; learner < first + local; ++learner) {
          EXPECT_EQ(some->next().inputs, of_all[4 * step + learner]);
        }
      }
    }
  }
}

TEST(Augment, IsRefusedForAnUnknownNameAndForWhatIsNoImage) {
  const SampleShape features{.input = {440}, .classes = 5};
  EXPECT_THAT(test::refusal_of("synthetic", {.wanted = features, .augment = "rotate"}),
              HasSubstr("augment = \"rotate\": must be none or crop-flip"));
  EXPECT_THAT(test::refusal_of("synthetic", {.wanted = features, .augment = "crop-flip"}),
              HasSubstr("needs images, channels x height x width, but samples are 440"));
}

// Images smaller than the border may be shifted out of sight: all zeros then, and nothing is read beyond
// them.
TEST(Augment, TakesImagesSmallerThanTheBorder) {
  const SampleShape tiny{.input = {1, 2, 2}, .classes = 2};
  const auto plain = make_dataset("synthetic", {.wanted = tiny});
  const auto changed = make_dataset("synthetic", {.wanted = tiny, .augment = "crop-flip"});
  std::size_t empty = 0;
  for (std::uint32_t number = 0; number < 100; ++number) {
    const CropFlip change = draw_crop_flip(/*seed=*/1, /*epoch=*/0, number);
    const Batch batch = samples_of(*changed, Split::kTrain, {number});
    const bool is_out_of_sight = std::abs(change.down) >= 2 || std::abs(change.right) >= 2;
    if (is_out_of_sight) {
      EXPECT_EQ(batch.inputs, std::vector<float>(4, 0.0f));
    }
    empty += is_out_of_sight ? 1u : 0u;
    if (change.down == 0 && change.right == 0 && !change.is_mirrored) {
      EXPECT_EQ(batch.inputs, samples_of(*plain, Split::kTrain, {number}).inputs);
    }
  }
  EXPECT_GT(empty, 0u);
}

}  // namespace
}  // namespace sterna::data
