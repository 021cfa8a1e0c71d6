// cifar10 and cifar100, read from files that the tests write: two records in each training file of CIFAR-10.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/data/data_probe.h"

namespace sterna::data {
namespace {

using test::refusal_of;
using test::samples_of;
using test::training_labels;
using testing::HasSubstr;

constexpr std::size_t kChannelPixels = 32 * 32;
const SampleShape kTen{.input = {3, 32, 32}, .classes = 10};
const SampleShape kHundred{.input = {3, 32, 32}, .classes = 100};

// Red, green and blue are filled with one byte each; the very last pixel is 255.
std::string record(const std::string& labels, char red, char green, char blue) {
  std::string bytes = labels + std::string(kChannelPixels, red) + std::string(kChannelPixels, green) +
                      std::string(kChannelPixels, blue);
  bytes.back() = '\xFF';
  return bytes;
}

class Cifar : public testing::Test {
 protected:
  // Sample n of the training data has label n and red n.
  Cifar() {
    for (char file = 0; file < 5; ++file) {
      const char n = static_cast<char>(2 * file);
      scratch_.write(
          "data_batch_" + std::to_string(file + 1) + ".bin",
          record({n}, n, 0, 0) + record({static_cast<char>(n + 1)}, static_cast<char>(n + 1), 0, 0));
    }
    scratch_.write("test_batch.bin", record({7}, 100, 100, 100));
    scratch_.write("train.bin", record({19, 99}, 51, 0, 0));
    scratch_.write("test.bin", record({0, 42}, 0, 51, 0));
  }

  DatasetOptions options(const SampleShape& wanted) const {
    return {.directory = scratch_.path(), .wanted = wanted};
  }

  test::ScratchDirectory scratch_;
};

TEST_F(Cifar, TenReadsItsFilesInOrderAndNormalisesEachChannel) {
  const auto dataset = make_dataset("cifar10", options(kTen));
  EXPECT_EQ(dataset->sample_shape(), kTen);
  EXPECT_EQ(dataset->samples(Split::kTrain), 10u);
  EXPECT_EQ(dataset->samples(Split::kTest), 1u);
  const Batch train = samples_of(*dataset, Split::kTrain, {9, 0, 4});
  EXPECT_EQ(train.labels, (std::vector<std::int32_t>{9, 0, 4}));
  EXPECT_FLOAT_EQ(train.inputs[0], -1.8465825f);                   // (9 / 255 - 0.4914) / 0.2470
  EXPECT_FLOAT_EQ(train.inputs[3 * kChannelPixels], -1.9894737f);  // (0 - 0.4914) / 0.2470
  const Batch test = samples_of(*dataset, Split::kTest, {0});
  EXPECT_EQ(test.labels, (std::vector<std::int32_t>{7}));
  EXPECT_FLOAT_EQ(test.inputs[kChannelPixels - 1], -0.4017941f);      // (100 / 255 - 0.4914) / 0.2470
  EXPECT_FLOAT_EQ(test.inputs[kChannelPixels], -0.3697870f);          // (100 / 255 - 0.4822) / 0.2435
  EXPECT_FLOAT_EQ(test.inputs[3 * kChannelPixels - 2], -0.2077337f);  // (100 / 255 - 0.4465) / 0.2616
  EXPECT_FLOAT_EQ(test.inputs[3 * kChannelPixels - 1], 2.1158257f);   // (1 - 0.4465) / 0.2616
}

TEST_F(Cifar, HundredLearnsTheFineLabel) {
  const auto dataset = make_dataset("cifar100", options(kHundred));
  EXPECT_EQ(dataset->samples(Split::kTrain), 1u);
  const Batch train = samples_of(*dataset, Split::kTrain, {0});
  EXPECT_EQ(train.labels, (std::vector<std::int32_t>{99}));
  EXPECT_FLOAT_EQ(train.inputs[0], -1.1488964f);  // (51 / 255 - 0.5071) / 0.2673
  const Batch test = samples_of(*dataset, Split::kTest, {0});
  EXPECT_EQ(test.labels, (std::vector<std::int32_t>{42}));
  EXPECT_FLOAT_EQ(test.inputs[kChannelPixels], -1.1173947f);         // (51 / 255 - 0.4865) / 0.2564
  EXPECT_FLOAT_EQ(test.inputs[3 * kChannelPixels - 1], 2.0242578f);  // (1 - 0.4409) / 0.2762
}

TEST_F(Cifar, TellsALabelWithoutTheImage) {
  EXPECT_EQ(training_labels(*make_dataset("cifar100", options(kHundred))), (std::vector<std::int32_t>{99}));
  const auto dataset = make_dataset("cifar10", options(kTen));
  EXPECT_EQ(training_labels(*dataset).size(), dataset->samples(Split::kTrain));
}

TEST_F(Cifar, ChecksWhatItIsAskedFor) {
  const auto dataset = make_dataset("cifar10", options(kTen));
  EXPECT_THROW((void)samples_of(*dataset, Split::kTest, {1}), InternalError);
  Batch batch = make_batch(kTen, 1);
  EXPECT_THROW(dataset->read(Split::kTrain, 0, std::array{0u, 1u}, batch), InternalError);
}

TEST_F(Cifar, IsRefusedWithoutADirectoryOrAFile) {
  EXPECT_THAT(refusal_of("cifar10", {.wanted = kTen}), HasSubstr("data-dir = \"\": cifar10 needs"));
  std::filesystem::remove(scratch_.path() / "data_batch_4.bin");
  EXPECT_THAT(refusal_of("cifar10", options(kTen)), HasSubstr("must hold the file data_batch_4.bin"));
}

TEST_F(Cifar, IsRefusedWhereAFileIsCutShortTooLongOrEmpty) {
  const std::string whole = record({1}, 0, 0, 0);
  scratch_.write("test_batch.bin", whole.substr(1));
  EXPECT_THAT(refusal_of("cifar10", options(kTen)),
              HasSubstr("test_batch.bin = 3072 bytes: must be one or more whole records of 3073 bytes"));
  scratch_.write("test_batch.bin", whole + "x");
  EXPECT_THAT(refusal_of("cifar10", options(kTen)), HasSubstr("= 3074 bytes"));
  scratch_.write("test_batch.bin", "");
  EXPECT_THAT(refusal_of("cifar10", options(kTen)), HasSubstr("= 0 bytes"));
  scratch_.write("train.bin", whole);
  EXPECT_THAT(refusal_of("cifar100", options(kHundred)), HasSubstr("whole records of 3074 bytes"));
}

TEST_F(Cifar, IsRefusedWithALabelOutOfRange) {
  scratch_.write("data_batch_2.bin", record({1}, 0, 0, 0) + record({10}, 0, 0, 0));
  EXPECT_THAT(refusal_of("cifar10", options(kTen)),
              HasSubstr("label 10 in record 1: byte 0 of a record must be in [0, 10)"));
  scratch_.write("test.bin", record({20, 0}, 0, 0, 0));
  EXPECT_THAT(refusal_of("cifar100", options(kHundred)), HasSubstr("label 20 in record 0: byte 0"));
  scratch_.write("test.bin", record({19, 100}, 0, 0, 0));
  EXPECT_THAT(refusal_of("cifar100", options(kHundred)), HasSubstr("label 100 in record 0: byte 1"));
}

TEST_F(Cifar, IsRefusedByAModelOfAnotherShape) {
  EXPECT_THAT(refusal_of("cifar10", options(kHundred)), HasSubstr("10 classes, but the model takes"));
}

}  // namespace
}  // namespace sterna::data
