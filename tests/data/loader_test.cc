#include "runtime/data/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::data {
namespace {

constexpr float kEpochValue = 1000.0f;
constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

// Sample i has label i, and input i + 1000 epoch in training; the read number `fail_at` throws.
class Counting final : public Dataset {
 public:
  explicit Counting(std::size_t samples, std::size_t fail_at = kNever)
      : samples_(samples), fail_at_(fail_at) {}

  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split) const override { return samples_; }
  std::int32_t label(std::uint32_t number) const override {
    return number < labelled ? static_cast<std::int32_t>(number) : kNoLabel;
  }
  void read(Split split, std::uint32_t epoch, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    if (reads_++ == fail_at_) throw std::runtime_error("the disk is gone");
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      batch.inputs[i] = static_cast<float>(numbers[i]) +
                        (split == Split::kTrain ? kEpochValue * static_cast<float>(epoch) : 0.0f);
      batch.labels[i] = static_cast<std::int32_t>(numbers[i]);
    }
  }

  std::size_t reads() const { return reads_; }

  std::uint32_t labelled = std::numeric_limits<std::uint32_t>::max();  // label() has none from this sample on

 private:
  SampleShape shape_{.input = {1}, .classes = 1000};
  std::size_t samples_;
  std::size_t fail_at_;
  mutable std::atomic<std::size_t> reads_ = 0;
};

using Labels = std::vector<std::int32_t>;

std::vector<Labels> next_batches(Loader& loader, std::size_t batches) {
  std::vector<Labels> labels;
  for (std::size_t i = 0; i < batches; ++i) labels.push_back(loader.next().labels);
  return labels;
}

// 50 samples, 4 learners with batches of 3: 4 steps an epoch.
constexpr std::size_t kSamples = 50;
constexpr std::uint32_t kLearners = 4;
constexpr std::size_t kBatchSamples = 3;

LoaderOptions hosting(std::uint32_t first_learner, std::uint32_t local_learners,
                      std::uint64_t first_step = 0) {
  return {.batch_samples = kBatchSamples,
          .learners = kLearners,
          .first_learner = first_learner,
          .local_learners = local_learners,
          .seed = 7,
          .first_step = first_step,
          .batches_ahead = 2};
}

TEST(Loader, GivesEachLearnerItsShardOnAnyNumberOfRanks) {
  const Counting dataset(kSamples);
  for (std::uint32_t local_learners : {1u, 2u, 4u}) {
    for (std::uint32_t first = 0; first < kLearners; first += local_learners) {
      const auto loader = make_loader(dataset, hosting(first, local_learners));
      Shards shards(kSamples, kBatchSamples, kLearners, /*seed=*/7);
      EXPECT_EQ(loader->steps_per_epoch(), 4u);
      for (std::uint64_t step = 0; step < 9; ++step) {  // three epochs are touched
        for (std::uint32_t learner = first; learner < first + local_learners; ++learner) {
          const auto numbers = shards.batch(step, learner);
          const Batch& batch = loader->next();
          EXPECT_EQ(batch.samples, kBatchSamples);
          EXPECT_EQ(batch.labels, Labels(numbers.begin(), numbers.end()))
              << "step " << step << ", learner " << learner;
          std::vector<float> inputs(numbers.begin(), numbers.end());
          for (float& input : inputs) input += kEpochValue * static_cast<float>(step / 4);
          EXPECT_EQ(batch.inputs, inputs) << "the data set is told the epoch";
        }
      }
    }
  }
}

// Labels are sample numbers here: with four learners of 50 samples the first has those below 12.5.
TEST(Loader, GivesEachLearnerItsPartByLabelOnAnyNumberOfRanks) {
  const Counting dataset(kSamples);
  for (std::uint32_t local_learners : {1u, 2u, 4u}) {
    for (std::uint32_t first = 0; first < kLearners; first += local_learners) {
      LoaderOptions options = hosting(first, local_learners);
      options.partition = Partition::kLabel;
      const auto loader = make_loader(dataset, options);
      Labels labels(kSamples);
      std::iota(labels.begin(), labels.end(), 0);
      Shards shards(labels, kBatchSamples, kLearners, /*seed=*/7);
      EXPECT_EQ(loader->steps_per_epoch(), 4u);
      for (std::uint64_t step = 0; step < 9; ++step) {
        for (std::uint32_t learner = first; learner < first + local_learners; ++learner) {
          const auto numbers = shards.batch(step, learner);
          EXPECT_EQ(loader->next().labels, Labels(numbers.begin(), numbers.end()));
        }
      }
    }
  }
}

TEST(Loader, RefusesToDealOutByLabelWhatHasNone) {
  Counting dataset(kSamples);
  dataset.labelled = kSamples - 1;
  LoaderOptions options = hosting(0, 1);
  EXPECT_NO_THROW((void)make_loader(dataset, options));
  options.partition = Partition::kLabel;
  EXPECT_EQ(
      test::message_of<ConfigError>([&] { (void)make_loader(dataset, options); }),
      "[data] partition = label: samples of this data set have no label of their own to be dealt out by; "
      "take --partition uniform");
}

TEST(Loader, ResumesWhereAnotherStopped) {
  const Counting dataset(kSamples);
  const auto whole = next_batches(*make_loader(dataset, hosting(2, 2)), 2 * 10);
  const auto resumed = next_batches(*make_loader(dataset, hosting(2, 2, /*first_step=*/6)), 2 * 4);
  EXPECT_EQ(resumed, std::vector(whole.begin() + 2 * 6, whole.end()));
}

TEST(Loader, KeepsABatchUntilTheNextCall) {
  const Counting dataset(kSamples);
  const auto loader = make_loader(dataset, hosting(0, 1));
  const Batch& batch = loader->next();
  const Labels before = batch.labels;
  while (dataset.reads() < 3) std::this_thread::yield();  // the two batches ahead are read, or being read
  EXPECT_EQ(batch.labels, before);
}

// With two batches ahead and one in the caller's hand, the third read is the last until the caller comes
// back.
TEST(Loader, PreparesNoMoreThanItMay) {
  const Counting dataset(kSamples);
  {
    const auto loader = make_loader(dataset, hosting(0, 1));
    for (int i = 0; i < 20; ++i) {
      (void)loader->next();
      EXPECT_LE(dataset.reads(), static_cast<std::size_t>(i) + 3);
    }
  }
  EXPECT_LE(dataset.reads(), 22u);
}

TEST(Loader, EndsWhileItsThreadWaitsForRoom) {
  const Counting dataset(kSamples);
  const auto loader = make_loader(dataset, hosting(0, 1));
  while (dataset.reads() < 3)
    std::this_thread::yield();  // all slots are taken: the thread waits, or is about to
}

TEST(Loader, EndsAtOnceIfNothingIsEverTaken) {
  const Counting dataset(kSamples);
  for (int i = 0; i < 100; ++i) (void)make_loader(dataset, hosting(0, 1));
}

TEST(Loader, RethrowsWhatItsThreadThrewAfterTheGoodBatches) {
  const Counting dataset(kSamples, /*fail_at=*/2);
  const auto loader = make_loader(dataset, hosting(0, 1));
  EXPECT_NO_THROW((void)loader->next());
  EXPECT_NO_THROW((void)loader->next());
  EXPECT_THROW((void)loader->next(), std::runtime_error);
  EXPECT_THROW((void)loader->next(), std::runtime_error) << "and goes on to";
}

TEST(Loader, EndsAfterItsThreadThrew) {
  const Counting dataset(kSamples, /*fail_at=*/0);
  const auto loader = make_loader(dataset, hosting(0, 1));
  while (dataset.reads() == 0) std::this_thread::yield();
}

TEST(Loader, RefusesMoreSamplesThanThereAre) {
  const Counting dataset(11);  // 4 learners take 12
  EXPECT_THROW((void)make_loader(dataset, hosting(0, 1)), ConfigError);
}

TEST(Loader, ChecksItsLearners) {
  const Counting dataset(kSamples);
  EXPECT_THROW((void)make_loader(dataset, hosting(0, 0)), InternalError);
  EXPECT_THROW((void)make_loader(dataset, hosting(4, 1)), InternalError);
  EXPECT_THROW((void)make_loader(dataset, hosting(3, 2)), InternalError);
}

TEST(ReadPadded, FillsAWholeBatch) {
  const Counting dataset(10);
  Batch batch;
  read_padded(dataset, Split::kTest, 3, 4, batch);
  EXPECT_EQ(batch.samples, 4u);
  EXPECT_EQ(batch.labels, (Labels{3, 4, 5, 6}));
  EXPECT_EQ(batch.inputs, (std::vector<float>{3, 4, 5, 6}));
}

TEST(ReadPadded, PadsTheLastBatch) {
  const Counting dataset(10);
  Batch batch;
  read_padded(dataset, Split::kTest, 0, 4, batch);  // what an earlier batch left must not show
  read_padded(dataset, Split::kTest, 8, 4, batch);
  EXPECT_EQ(batch.labels, (Labels{8, 9, kNoLabel, kNoLabel}));
  EXPECT_EQ(batch.inputs, (std::vector<float>{8, 9, 0, 0}));
}

TEST(ReadPadded, PadsEverythingPastTheEnd) {
  const Counting dataset(10);
  Batch batch;
  read_padded(dataset, Split::kTest, 12, 2, batch);
  EXPECT_EQ(batch.labels, (Labels{kNoLabel, kNoLabel}));
  EXPECT_EQ(batch.inputs, (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace sterna::data
