// The data set image-folder: JPEG files in a folder for each class, such as ImageNet's, decoded when read.
//
//   ROOT/train/CLASS/*.jpg  and  ROOT/val/CLASS/*.jpg, or ROOT/test/CLASS/*.jpg
//
// Classes are numbered in the order of their names' bytes, samples by class and then by file name. Images
// come in the size that the model takes: training images as resized_crop.h says; test images with the shorter
// side at 256 / 224 of that size, and then cut to the middle. A channel's value b becomes (b / 255 - mean) /
// deviation with ImageNet's means and deviations.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"
#include "runtime/data/dataset.h"
#include "runtime/data/jpeg.h"
#include "runtime/data/resample.h"
#include "runtime/data/resized_crop.h"

namespace sterna::data {

std::unique_ptr<Dataset> make_image_folder(const DatasetOptions& options);

namespace {

namespace fs = std::filesystem;

constexpr double kMeans[] = {0.485, 0.456, 0.406};  // red, green, blue
constexpr double kDeviations[] = {0.229, 0.224, 0.225};
constexpr std::size_t kStandardSide = 224;  // where the model takes no such images

struct Image {
  fs::path path;
  std::int32_t label;
};

bool is_jpeg(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending == ".jpg" || ending == ".jpeg";
}

// The names in a folder that `is_wanted` says, sorted.
template <typename IsWanted>
std::vector<std::string> names_in(const fs::path& folder, const IsWanted& is_wanted) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) {
    refuse_file(folder, error.message(),
                "must be a folder with one folder of JPEG files for each class, in the --data-dir that has "
                "train and val (or test)");
  }
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries) {
    if (is_wanted(entry)) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> classes_in(const fs::path& folder) {
  std::vector<std::string> classes =
      names_in(folder, [](const fs::directory_entry& entry) { return entry.is_directory(); });
  if (classes.empty()) {
    refuse_file(folder, "no classes", "must have one folder of JPEG files for each class");
  }
  return classes;
}

std::vector<Image> images_in(const fs::path& folder, const std::vector<std::string>& classes) {
  std::vector<Image> images;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const fs::path of_class = folder / classes[label];
    const std::vector<std::string> files = names_in(of_class, [](const fs::directory_entry& entry) {
      return !entry.is_directory() && is_jpeg(entry.path());
    });
    if (files.empty()) {
      refuse_file(of_class, "no images",
                  "each class must have at least one .jpg or .jpeg file in train and in val (or test)");
    }
    for (const std::string& file : files)
      images.push_back({of_class / file, static_cast<std::int32_t>(label)});
  }
  return images;
}

// The folder of the images to test on, val before test.
fs::path test_folder(const fs::path& root) {
  std::error_code ignored;
  return root / (fs::is_directory(root / "val", ignored) || !fs::is_directory(root / "test", ignored)
                     ? "val"
                     : "test");
}

std::vector<Image> test_images(const fs::path& root, const std::vector<std::string>& classes) {
  const fs::path folder = test_folder(root);
  const std::vector<std::string> found = classes_in(folder);
  for (const std::string& name : found) {
    if (std::ranges::binary_search(classes, name)) continue;
    refuse_file(folder / name, "a class without training images",
                cat("must be one of the ", classes.size(), " classes of train"));
  }
  return images_in(folder, classes);
}

// Shorter side at 256 / 224 of `side`, rounded down as the longer one is, and the middle of it.
ResampledAxis middle_of(std::size_t extent, std::size_t shorter, std::size_t side) {
  const std::size_t outputs = extent * (side * 256 / 224) / shorter;
  return {.begin = 0, .pixels = extent, .outputs = outputs, .first = (outputs - side) / 2, .kept = side};
}

class ImageFolder final : public Dataset {
 public:
  ImageFolder(const fs::path& root, std::size_t side, std::uint64_t seed) : side_(side), seed_(seed) {
    const std::vector<std::string> classes = classes_in(root / "train");
    train_ = images_in(root / "train", classes);
    test_ = test_images(root, classes);
    shape_ = {.input = {3, side, side}, .classes = classes.size(), .labels = 1, .symbols = 0};
  }

  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split split) const override { return images(split).size(); }
  std::int32_t label(std::uint32_t number) const override { return train_.at(number).label; }

  void read(Split split, std::uint32_t epoch, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    STERNA_CHECK(batch.inputs.size() >= (numbers.size() * input_elements(shape_)));
    STERNA_CHECK(batch.labels.size() >= numbers.size());
    JpegDecoder decoder;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      STERNA_CHECK(numbers[i] < images(split).size());
      const Image& image = images(split)[numbers[i]];
      batch.labels[i] = image.label;
      const Pixels pixels = decoder.decode(image.path);
      float* const to = batch.inputs.data() + i * input_elements(shape_);
      if (split == Split::kTrain) {
        write_crop(pixels, draw_resized_crop(seed_, epoch, numbers[i], pixels.height, pixels.width), to);
      } else {
        write_middle(pixels, to);
      }
    }
  }

 private:
  const std::vector<Image>& images(Split split) const { return split == Split::kTrain ? train_ : test_; }

  void write_crop(const Pixels& pixels, const ResizedCrop& crop, float* to) const {
    const auto whole = [&](std::size_t begin, std::size_t extent) {
      return ResampledAxis{.begin = begin, .pixels = extent, .outputs = side_, .first = 0, .kept = side_};
    };
    write(resampled(pixels, whole(crop.top, crop.height), whole(crop.left, crop.width)), crop.is_mirrored,
          to);
  }

  void write_middle(const Pixels& pixels, float* to) const {
    const std::size_t shorter = std::min(pixels.height, pixels.width);
    write(
        resampled(pixels, middle_of(pixels.height, shorter, side_), middle_of(pixels.width, shorter, side_)),
        /*is_mirrored=*/false, to);
  }

  void write(const std::vector<float>& values, bool is_mirrored, float* to) const {
    for (std::size_t row = 0; row < 3 * side_; ++row) {
      const auto factor = static_cast<float>(1.0 / (255.0 * kDeviations[row / side_]));
      const auto offset = static_cast<float>(-kMeans[row / side_] / kDeviations[row / side_]);
      const float* const from = values.data() + row * side_;
      for (std::size_t x = 0; x < side_; ++x) {
        to[row * side_ + x] = from[is_mirrored ? side_ - 1 - x : x] * factor + offset;
      }
    }
  }

  std::size_t side_;
  std::uint64_t seed_;
  SampleShape shape_;
  std::vector<Image> train_;
  std::vector<Image> test_;
};

}  // namespace

std::unique_ptr<Dataset> make_image_folder(const DatasetOptions& options) {
  require_directory(options.directory, "image-folder", "train/CLASS/*.jpg and val/CLASS/*.jpg");
  const std::vector<std::size_t>& wanted = options.wanted.input;
  const bool takes_images = wanted.size() == 3 && wanted[1] == wanted[2];
  return std::make_unique<ImageFolder>(options.directory, takes_images ? wanted[1] : kStandardSide,
                                       options.seed);
}

}  // namespace sterna::data
