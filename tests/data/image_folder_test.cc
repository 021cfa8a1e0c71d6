// image-folder, read from JPEG files that the tests encode, and what it is made of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "runtime/data/jpeg.h"
#include "runtime/data/resample.h"
#include "runtime/data/resized_crop.h"
#include "tests/data/data_probe.h"

namespace sterna::data {
namespace {

using test::message_of;
using test::refusal_of;
using test::samples_of;
using test::training_labels;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kSide = 14;  // test images have their shorter side at 16, and lose one pixel all around
const SampleShape kTwoClasses{.input = {3, kSide, kSide}, .classes = 2};

// A JPEG file, of highest quality, of an image whose value at (row, column, component) is `value`.
template <typename Value>
std::string jpeg(int height, int width, int format, const Value& value) {
  const int components = tjPixelSize[format];
  std::vector<unsigned char> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < components; ++c) pixels.push_back(static_cast<unsigned char>(value(y, x, c)));
    }
  }
  tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int failed = tjCompress2(encoder, pixels.data(), width, 0, height, format, &bytes, &size,
                                 format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_444, /*quality=*/100, 0);
  EXPECT_EQ(failed, 0) << tjGetErrorStr2(encoder);
  const std::string file(reinterpret_cast<char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(encoder);
  return file;
}

std::string uniform_jpeg(int height, int width, int red, int green, int blue) {
  return jpeg(height, width, TJPF_RGB, [&](int, int, int c) { return c == 0 ? red : c == 1 ? green : blue; });
}

// Two classes: ants are red, bees are blue. The files have names, endings and sizes of all kinds.
class ImageFolder : public testing::Test {
 protected:
  ImageFolder() {
    for (const char* folder : {"train/bee", "train/ant", "val/ant", "val/bee"}) {
      std::filesystem::create_directories(scratch_.path() / folder);
    }
    scratch_.write("train/ant/b.JPEG", uniform_jpeg(20, 31, 250, 0, 0));
    scratch_.write("train/ant/a.jpg", uniform_jpeg(9, 8, 250, 0, 0));
    scratch_.write("train/ant/notes.txt", "not an image");
    scratch_.write("train/bee/c.jpg", uniform_jpeg(40, 17, 0, 0, 250));
    scratch_.write("val/ant/x.jpeg", uniform_jpeg(16, 32, 250, 0, 0));
    scratch_.write("val/bee/y.jpg", uniform_jpeg(33, 16, 0, 0, 250));
  }

  DatasetOptions options() const { return {.directory = scratch_.path(), .wanted = kTwoClasses}; }

  test::ScratchDirectory scratch_;
};

// Conversion to YCbCr and back rounds to whole numbers twice: two of 255 levels, by the smallest deviation.
constexpr float kColourTolerance = 2.0f / 255.0f / 0.224f;

TEST_F(ImageFolder, NumbersClassesAndFilesByName) {
  const auto dataset = make_dataset("image-folder", options());
  EXPECT_EQ(dataset->sample_shape(), kTwoClasses);
  EXPECT_EQ(dataset->samples(Split::kTrain), 3u);
  EXPECT_EQ(dataset->samples(Split::kTest), 2u);
  EXPECT_THAT(samples_of(*dataset, Split::kTrain, {2, 0, 1}).labels, ElementsAre(1, 0, 0));
  EXPECT_THAT(samples_of(*dataset, Split::kTest, {0, 1}).labels, ElementsAre(0, 1));
  EXPECT_THAT(training_labels(*dataset), ElementsAre(0, 0, 1));
}

TEST_F(ImageFolder, NormalisesEachChannelByImageNets) {
  const auto dataset = make_dataset("image-folder", options());
  for (const Split split : {Split::kTrain, Split::kTest}) {
    const Batch batch = samples_of(*dataset, split, {0});
    const float expected[] = {(250.0f / 255.0f - 0.485f) / 0.229f, -0.456f / 0.224f, -0.406f / 0.225f};
    for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
      ASSERT_NEAR(batch.inputs[i], expected[i / (kSide * kSide)], kColourTolerance) << i;
    }
  }
}

TEST_F(ImageFolder, ShowsTheMiddleOfATestImage) {
  // 32 x 64, black but for the left 16 columns of the right half. With the shorter side at 16 these are
  // columns 16 to 23 of 32, and columns 7 to 14 of what is left when 9 are cut off on each side.
  scratch_.write("val/ant/x.jpeg",
                 jpeg(32, 64, TJPF_GRAY, [](int, int x, int) { return x >= 32 && x < 48 ? 255 : 0; }));
  const auto dataset = make_dataset("image-folder", options());
  const Batch batch = samples_of(*dataset, Split::kTest, {0});
  for (std::size_t x = 0; x < kSide; ++x) {
    const float value = batch.inputs[5 * kSide + x] * 0.229f + 0.485f;
    // The kernel reaches two pixels of the file: the outputs beside an edge have a share of an eighth.
    const float expected = x == 6 ? 0.125f : x == 7 ? 0.875f : x > 7 ? 1.0f : 0.0f;
    EXPECT_NEAR(value, expected, 0.01f) << x;  // two levels
  }
}

TEST_F(ImageFolder, ReadsATestFolderWhereThereIsNoVal) {
  std::filesystem::rename(scratch_.path() / "val", scratch_.path() / "test");
  EXPECT_EQ(make_dataset("image-folder", options())->samples(Split::kTest), 2u);
}

TEST_F(ImageFolder, ShowsAnotherPartInEachEpochAndTheSameOneAgain) {
  scratch_.write("train/ant/a.jpg", jpeg(40, 40, TJPF_GRAY, [](int y, int x, int) { return 3 * y + 2 * x; }));
  const auto dataset = make_dataset("image-folder", options());
  const Batch first = samples_of(*dataset, Split::kTrain, {0, 1}, /*epoch=*/0);
  EXPECT_EQ(samples_of(*dataset, Split::kTrain, {0, 1}, /*epoch=*/0).inputs, first.inputs);
  EXPECT_NE(samples_of(*dataset, Split::kTrain, {0, 1}, /*epoch=*/1).inputs, first.inputs);
  // A sample's part does not depend on its place in the batch.
  const Batch turned = samples_of(*dataset, Split::kTrain, {1, 0}, /*epoch=*/0);
  EXPECT_TRUE(std::equal(first.inputs.begin(), first.inputs.begin() + 3 * kSide * kSide,
                         turned.inputs.begin() + 3 * kSide * kSide));
}

TEST_F(ImageFolder, RefusesFoldersThatAreNotThereOrHaveNoImages) {
  EXPECT_THAT(refusal_of("image-folder", {.directory = {}, .wanted = kTwoClasses}), HasSubstr("data-dir"));
  EXPECT_THAT(refusal_of("image-folder", {.directory = scratch_.path() / "no", .wanted = kTwoClasses}),
              HasSubstr("no/train = No such file or directory"));
  std::filesystem::remove(scratch_.path() / "val/bee/y.jpg");
  EXPECT_THAT(refusal_of("image-folder", options()), HasSubstr("val/bee = no images"));
  std::filesystem::remove(scratch_.path() / "val/bee");
  EXPECT_THAT(refusal_of("image-folder", options()), HasSubstr("val/bee = No such file"));
  std::filesystem::create_directory(scratch_.path() / "val/cat");
  EXPECT_THAT(refusal_of("image-folder", options()), HasSubstr("val/cat = a class without training images"));
  std::filesystem::remove_all(scratch_.path() / "val");
  EXPECT_THAT(refusal_of("image-folder", options()), HasSubstr("val = No such file"));
  std::filesystem::remove_all(scratch_.path() / "train");
  std::filesystem::create_directory(scratch_.path() / "train");
  EXPECT_THAT(refusal_of("image-folder", options()), HasSubstr("train = no classes"));
}

TEST_F(ImageFolder, RefusesAModelOfOtherClasses) {
  const SampleShape ten{.input = {3, kSide, kSide}, .classes = 10};
  const std::string message = refusal_of("image-folder", {.directory = scratch_.path(), .wanted = ten});
  EXPECT_THAT(message, HasSubstr("out of 2 classes, but the model takes"));
}

TEST_F(ImageFolder, NamesTheFileThatIsDamaged) {
  const auto dataset = make_dataset("image-folder", options());
  const std::string whole = uniform_jpeg(40, 40, 1, 2, 3);
  const std::string busy = jpeg(40, 40, TJPF_RGB, [](int y, int x, int c) { return (y * x + 50 * c) % 256; });
  const std::string end = busy.substr(busy.size() - 2);
  std::string overwritten = busy;  // with ones, which are no Huffman code; 0 is stuffed behind 0xFF
  for (std::size_t i = busy.size() - 1000; i < busy.size() - 500; ++i)
    overwritten[i] = i % 2 == 0 ? '\xFF' : '\0';
  for (const std::string& bytes : {std::string("GIF89a"), std::string(), whole.substr(0, whole.size() - 20),
                                   busy.substr(0, busy.size() - 1000) + end, overwritten}) {
    scratch_.write("train/ant/b.JPEG", bytes);
    const std::string message = message_of<ConfigError>([&] {
      (void)samples_of(*dataset, Split::kTrain, {0, 1});
    });
    EXPECT_THAT(message, HasSubstr("train/ant/b.JPEG = "));
    EXPECT_THAT(message, HasSubstr("must be a whole JPEG image"));
  }
}

TEST_F(ImageFolder, ReadsAnImageWithStrayBytesBehindItsPixels) {
  JpegDecoder decoder;
  const std::string whole = uniform_jpeg(40, 40, 250, 0, 0);
  const std::string stray = whole.substr(0, whole.size() - 2) + std::string(100, '\0') + "\xFF\xD9";
  EXPECT_EQ(decoder.decode(scratch_.write("stray.jpg", stray)).rgb,
            decoder.decode(scratch_.write("whole.jpg", whole)).rgb);
}

TEST_F(ImageFolder, ReadsGreyAndCmyk) {
  JpegDecoder decoder;
  const Pixels grey =
      decoder.decode(scratch_.write("grey.jpg", jpeg(1, 2, TJPF_GRAY, [](int, int, int) { return 128; })));
  EXPECT_EQ(grey.height, 1u);
  EXPECT_EQ(grey.width, 2u);
  EXPECT_THAT(grey.rgb, ElementsAre(128, 128, 128, 128, 128, 128));
  // Inverted, 255 being no ink: 200 * 128 / 255 = 100, 100 * 128 / 255 = 50, 50 * 128 / 255 = 25.
  const int inks[] = {200, 100, 50, 128};
  const Pixels colour = decoder.decode(
      scratch_.write("cmyk.jpg", jpeg(1, 1, TJPF_CMYK, [&](int, int, int c) { return inks[c]; })));
  ASSERT_EQ(colour.rgb.size(), 3u);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(colour.rgb[c], 100 >> c, 2);
}

Pixels row_of(const std::vector<std::uint8_t>& values) {
  Pixels pixels{.height = 1, .width = values.size(), .rgb = {}};
  for (const std::uint8_t value : values) pixels.rgb.insert(pixels.rgb.end(), {value, value, value});
  return pixels;
}

TEST(Resampled, WeighsByTheDistanceFromTheCentre) {
  const ResampledAxis one{.begin = 0, .pixels = 1, .outputs = 1, .first = 0, .kept = 1};
  // 4 to 2: centres 1 and 3, weights 1 - |distance| / 2 are 3/4, 3/4, 1/4 of a sum of 7/4, and mirrored.
  const std::vector<float> half =
      resampled(row_of({7, 14, 21, 28}), one, {.begin = 0, .pixels = 4, .outputs = 2, .first = 0, .kept = 2});
  ASSERT_EQ(half.size(), 6u);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(half[2 * c], 12.0f, 28.0f * 4.0f * 0x1p-24f);      // 3 + 6 + 3
    EXPECT_NEAR(half[2 * c + 1], 23.0f, 28.0f * 4.0f * 0x1p-24f);  // 2 + 9 + 12
  }
  // 2 to 4: centres 1/4, 3/4, 5/4, 7/4 of pixels 1 and 2 of 3; of these the second and the third.
  const std::vector<float> twice =
      resampled(row_of({99, 0, 8}), one, {.begin = 1, .pixels = 2, .outputs = 4, .first = 1, .kept = 2});
  EXPECT_EQ(twice[0], 2.0f);
  EXPECT_EQ(twice[1], 6.0f);
}

TEST(ResizedCrop, LiesInTheImageWithAreaAndShapeInTheirRanges) {
  double least = 1.0, most = 0.0;
  std::set<bool> mirrored;
  for (std::uint32_t number = 0; number < 1000; ++number) {
    const ResizedCrop crop = draw_resized_crop(/*seed=*/1, /*epoch=*/2, number, 300, 400);
    ASSERT_LE(crop.top + crop.height, 300u);
    ASSERT_LE(crop.left + crop.width, 400u);
    const auto height = static_cast<double>(crop.height), width = static_cast<double>(crop.width);
    // Sides of 84 and more are rounded by one half.
    EXPECT_GT(width / height, 0.75 * (1.0 - 1.0 / 84.0));
    EXPECT_LT(width / height, 4.0 / 3.0 * (1.0 + 1.0 / 84.0));
    least = std::min(least, height * width / 120'000.0);
    most = std::max(most, height * width / 120'000.0);
    mirrored.insert(crop.is_mirrored);
  }
  // Of a thousand, some lie in the lowest and in the highest 5 %.
  EXPECT_NEAR(least, 0.08, 0.05);
  EXPECT_NEAR(most, 1.0, 0.05);
  EXPECT_EQ(mirrored.size(), 2u);
}

// Where two draws had the same bits, one sample's place would tell another's shape: places are drawn from
// words 2 i and 2 i + 1 of their stream, shapes from words i, so that sample N's would go with that of sample
// 2 N.
TEST(ResizedCrop, DrawsPlacesApartFromShapes) {
  std::vector<double> places, shapes;
  for (std::uint32_t number = 1; number < 2000; ++number) {
    const ResizedCrop crop = draw_resized_crop(/*seed=*/1, /*epoch=*/0, number, 400, 400);
    if (crop.width == 400) continue;  // has one place alone
    const ResizedCrop other = draw_resized_crop(/*seed=*/1, /*epoch=*/0, 2 * number, 400, 400);
    places.push_back(static_cast<double>(crop.left) / static_cast<double>(400 - crop.width));
    shapes.push_back(std::log(static_cast<double>(other.width) / static_cast<double>(other.height)));
  }
  const auto n = static_cast<double>(places.size());
  const auto mean_product = [&](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / n;
  };
  const std::vector<double> ones(places.size(), 1.0);
  const auto covariance = [&](const std::vector<double>& a, const std::vector<double>& b) {
    return mean_product(a, b) - mean_product(a, ones) * mean_product(b, ones);
  };
  const double correlation =
      covariance(places, shapes) / std::sqrt(covariance(places, places) * covariance(shapes, shapes));
  EXPECT_LT(std::abs(correlation), 5.0 / std::sqrt(n));  // five standard deviations of independent draws'
}

TEST(ResizedCrop, FallsBackToTheMiddleOfASlenderImage) {
  // No part of 8 % has a shape in the range; 4/3 of 3 is 4 columns, from (100 - 4) / 2 on.
  const ResizedCrop crop = draw_resized_crop(1, 0, 0, 3, 100);
  EXPECT_EQ(crop.height, 3u);
  EXPECT_EQ(crop.width, 4u);
  EXPECT_EQ(crop.left, 48u);
  EXPECT_EQ(crop.top, 0u);
}

}  // namespace
}  // namespace sterna::data
