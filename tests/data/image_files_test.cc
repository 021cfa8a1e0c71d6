// mnist and fashion-mnist, read from IDX files that the tests write: three images to train on and two to
// test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/dataset.h"
#include "tests/data/data_probe.h"
#include "tests/support/scratch_directory.h"

namespace sterna::data {
namespace {

using test::bytes_of;
using test::message_of;
using test::ScratchDirectory;
using testing::HasSubstr;

constexpr std::size_t kPixels = 28 * 28;
constexpr std::uint32_t kImagesMagic = 0x00000803;
constexpr std::uint32_t kLabelsMagic = 0x00000801;
const SampleShape kShape{.input = {1, 28, 28}, .classes = 10, .labels = 1, .symbols = 0};

std::string big_endian(std::vector<std::uint32_t> numbers) {
  std::string bytes;
  for (std::uint32_t number : numbers) {
    for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xFF);
  }
  return bytes;
}

// Image i is filled with the byte 100 i.
std::string images_of(std::uint32_t samples) {
  std::string bytes = big_endian({kImagesMagic, samples, 28, 28});
  for (std::uint32_t i = 0; i < samples; ++i) bytes += std::string(kPixels, static_cast<char>(100 * i));
  return bytes;
}

// Sample i has label 9 - i.
std::string labels_of(std::uint32_t samples) {
  std::string bytes = big_endian({kLabelsMagic, samples});
  for (std::uint32_t i = 0; i < samples; ++i) bytes += static_cast<char>(9 - i);
  return bytes;
}

void write_gzip(const std::filesystem::path& path, std::string_view bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
}

class ImageFiles : public testing::Test {
 protected:
  ImageFiles() {
    write("train-images-idx3-ubyte", images_of(3));
    write("train-labels-idx1-ubyte", labels_of(3));
    write("t10k-images-idx3-ubyte", images_of(2));
    write("t10k-labels-idx1-ubyte", labels_of(2));
  }

  void write(std::string_view name, std::string_view bytes) { scratch_.write(name, bytes); }
  void remove(std::string_view name) { std::filesystem::remove(path(name)); }
  std::filesystem::path path(std::string_view name) const { return scratch_.path() / name; }

  std::unique_ptr<Dataset> open(std::string_view name = "mnist") const {
    return make_dataset(name, {.directory = scratch_.path(), .wanted = kShape});
  }

  // Every message is one line that names the file.
  std::string refusal(std::string_view file) const {
    const std::string message = message_of<ConfigError>([this] { (void)open(); });
    EXPECT_THAT(message, HasSubstr(path(file).string()));
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }

  // Replaces a plain file by a gzip file that `change` has damaged.
  template <typename Change>
  void write_damaged_gzip(std::string_view name, std::string_view bytes, Change change) {
    remove(name);
    const std::string gzip_name = std::string(name) + ".gz";
    write_gzip(path(gzip_name), bytes);
    std::string compressed = bytes_of(path(gzip_name));
    change(compressed);
    write(gzip_name, compressed);
  }

 private:
  ScratchDirectory scratch_;
};

TEST_F(ImageFiles, AreReadAsLabelsAndNormalisedPixels) {
  const auto dataset = open();
  EXPECT_EQ(dataset->sample_shape(), kShape);
  EXPECT_EQ(dataset->samples(Split::kTrain), 3u);
  EXPECT_EQ(dataset->samples(Split::kTest), 2u);
  Batch batch = make_batch(kShape, 2);
  dataset->read(Split::kTrain, /*epoch=*/0, std::array{2u, 0u}, batch);
  EXPECT_EQ(batch.labels, (std::vector<std::int32_t>{7, 9}));
  // (200 / 255 - 0.1307) / 0.3081 = 2.1214337 and (0 - 0.1307) / 0.3081 = -0.4242129
  for (std::size_t i : {std::size_t{0}, kPixels - 1}) {
    EXPECT_FLOAT_EQ(batch.inputs[i], 2.1214337f);
    EXPECT_FLOAT_EQ(batch.inputs[kPixels + i], -0.4242129f);
  }
  dataset->read(Split::kTest, /*epoch=*/0, std::array{1u}, batch);
  EXPECT_EQ(batch.labels, (std::vector<std::int32_t>{8, 9})) << "the front alone is written";
  EXPECT_EQ(test::training_labels(*dataset).back(), 7);
}

TEST_F(ImageFiles, OfFashionMnistAreNormalisedByItsOwnMoments) {
  const auto dataset = open("fashion-mnist");
  Batch batch = make_batch(kShape, 1);
  dataset->read(Split::kTrain, /*epoch=*/0, std::array{1u}, batch);
  EXPECT_FLOAT_EQ(batch.inputs[0], 0.3007277f);  // (100 / 255 - 0.2860) / 0.3530
}

TEST_F(ImageFiles, MayBeCompressed) {
  for (const auto& [name, bytes] : {std::pair{"train-images-idx3-ubyte", images_of(3)},
                                    std::pair{"t10k-labels-idx1-ubyte", labels_of(2)}}) {
    write_damaged_gzip(name, bytes, [](std::string&) {});
  }
  Batch batch = make_batch(kShape, 1);
  open()->read(Split::kTrain, /*epoch=*/0, std::array{2u}, batch);
  EXPECT_FLOAT_EQ(batch.inputs[0], 2.1214337f);
}

TEST_F(ImageFiles, CheckWhatTheyAreAskedFor) {
  const auto dataset = open();
  Batch batch = make_batch(kShape, 1);
  EXPECT_THROW(dataset->read(Split::kTest, /*epoch=*/0, std::array{2u}, batch), InternalError);
  EXPECT_THROW(dataset->read(Split::kTest, /*epoch=*/0, std::array{0u, 1u}, batch), InternalError);
}

TEST_F(ImageFiles, AreRefusedWhereOneIsMissing) {
  remove("t10k-labels-idx1-ubyte");
  const std::string message = message_of<ConfigError>([this] { (void)open(); });
  EXPECT_THAT(message, HasSubstr("must hold the file t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz"));
}

TEST_F(ImageFiles, AreRefusedWithAnotherMagicNumber) {
  write("train-images-idx3-ubyte", labels_of(3));
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("0x00000801: must be 0x00000803"));
}

TEST_F(ImageFiles, AreRefusedWhereTheHeaderIsCutShort) {
  write("train-images-idx3-ubyte", images_of(3).substr(0, 15));
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("cut short in its header"));
  write("train-images-idx3-ubyte", "");
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("cut short in its header"));
}

TEST_F(ImageFiles, AreRefusedWhereThePixelsAreCutShort) {
  const std::string whole = images_of(3);
  write("train-images-idx3-ubyte", whole.substr(0, whole.size() - 1));
  // 3 x 784 = 2352 bytes, less one
  EXPECT_THAT(refusal("train-images-idx3-ubyte"),
              HasSubstr("2351 bytes after its header: its header promises 3 items, 2352"));
}

TEST_F(ImageFiles, AreRefusedWhereTheyAreLongerThanTheirHeaderSays) {
  write("t10k-labels-idx1-ubyte", labels_of(2) + "x");
  EXPECT_THAT(refusal("t10k-labels-idx1-ubyte"), HasSubstr("more than 2 bytes after its header"));
}

TEST_F(ImageFiles, AreRefusedWithImagesOfAnotherSize) {
  write("train-images-idx3-ubyte", big_endian({kImagesMagic, 1, 32, 32}) + std::string(1024, 'x'));
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("items of 32 x 32: must be items of 28 x 28"));
}

TEST_F(ImageFiles, AreRefusedWithoutSamples) {
  write("train-images-idx3-ubyte", images_of(0));
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("no items"));
}

// 2^32 - 1 images would take 3.4 TB; memory follows the file, so this ends at once.
TEST_F(ImageFiles, AreRefusedWhereTheHeaderPromisesTheAbsurd) {
  write("train-images-idx3-ubyte",
        big_endian({kImagesMagic, 0xFFFFFFFF, 28, 28}) + std::string(kPixels, 'x'));
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("promises 4294967295 items"));
  write("train-images-idx3-ubyte", big_endian({kImagesMagic, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}));
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("items of 4294967295 x 4294967295"));
}

TEST_F(ImageFiles, AreRefusedWhereImagesAndLabelsDifferInNumber) {
  write("train-labels-idx1-ubyte", labels_of(2));
  EXPECT_THAT(refusal("train-labels-idx1-ubyte"), HasSubstr("2 labels"));
  EXPECT_THAT(refusal("train-images-idx3-ubyte"), HasSubstr("has 3 images"));
}

TEST_F(ImageFiles, AreRefusedWithALabelOutOfRange) {
  write("t10k-labels-idx1-ubyte", big_endian({kLabelsMagic, 2}) + "\x09\x0a");
  EXPECT_THAT(refusal("t10k-labels-idx1-ubyte"), HasSubstr("label 10 of sample 1: must be in [0, 10)"));
}

TEST_F(ImageFiles, AreRefusedWhereGzipDataAreCutShort) {
  write_damaged_gzip("train-images-idx3-ubyte", images_of(3),
                     [](std::string& gzip) { gzip.resize(gzip.size() / 2); });
  EXPECT_THAT(refusal("train-images-idx3-ubyte.gz"), HasSubstr("gzip cut short"));
}

TEST_F(ImageFiles, AreRefusedWhereOnlyGzipsEndMarkIsCut) {
  write_damaged_gzip("train-images-idx3-ubyte", images_of(3), [](std::string& gzip) { gzip.pop_back(); });
  EXPECT_THAT(refusal("train-images-idx3-ubyte.gz"), HasSubstr("gzip cut short"));
}

// A gzip file ends with CRC and length, 4 bytes each.
TEST_F(ImageFiles, AreRefusedWithAWrongGzipChecksum) {
  write_damaged_gzip("train-images-idx3-ubyte", images_of(3),
                     [](std::string& gzip) { gzip[gzip.size() - 8] ^= 1; });
  EXPECT_THAT(refusal("train-images-idx3-ubyte.gz"), HasSubstr("unreadable ("));
}

// Behind gzip's 10 bytes of header stands deflate's first block; type 3 (bits 1 and 2) is no type.
TEST_F(ImageFiles, AreRefusedWithCorruptGzipData) {
  write_damaged_gzip("train-images-idx3-ubyte", images_of(3), [](std::string& gzip) { gzip[10] |= 6; });
  EXPECT_THAT(refusal("train-images-idx3-ubyte.gz"), HasSubstr("unreadable ("));
}

TEST_F(ImageFiles, AreRefusedWhereTheNameSaysGzipAndTheBytesDoNot) {
  remove("train-images-idx3-ubyte");
  write("train-images-idx3-ubyte.gz", images_of(3));
  EXPECT_THAT(refusal("train-images-idx3-ubyte.gz"), HasSubstr("not gzip"));
}

TEST_F(ImageFiles, AreRefusedByAModelOfAnotherShape) {
  const SampleShape features{.input = {440}, .classes = 5999};
  const DatasetOptions options{.directory = path(""), .wanted = features};
  const std::string message = message_of<ConfigError>([&] { (void)make_dataset("mnist", options); });
  EXPECT_THAT(message, HasSubstr("samples of 1 x 28 x 28 real numbers with 1 label(s) out of 10 classes"));
  EXPECT_THAT(message, HasSubstr("samples of 440 real numbers with 1 label(s) out of 5999 classes"));
}

TEST(MakeDataset, AsksForADirectoryForMnist) {
  EXPECT_THAT(message_of<ConfigError>([] { (void)make_dataset("mnist", {.wanted = kShape}); }),
              HasSubstr("data-dir"));
}

TEST(MakeDataset, NamesThePackageWhereFashionMnistIsMissing) {
  const DatasetOptions options{.directory = "no/such/directory", .wanted = kShape};
  const std::string message = message_of<ConfigError>([&] { (void)make_dataset("fashion-mnist", options); });
  EXPECT_THAT(message, HasSubstr("no/such/directory"));
  EXPECT_THAT(message, HasSubstr("apt-get install dataset-fashion-mnist"));
}

TEST(MakeDataset, RefusesAnUnknownNameAndListsTheKnown) {
  EXPECT_THAT(message_of<ConfigError>([] { (void)make_dataset("imagenet", {}); }),
              HasSubstr("data = imagenet: no such data set; this build has cifar10, cifar100, "));
}

}  // namespace
}  // namespace sterna::data
