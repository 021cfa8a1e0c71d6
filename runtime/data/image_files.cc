// The data sets mnist and fashion-mnist: four IDX files each, kept as bytes and converted when read.
//
// A pixel b becomes (b / 255 - mean) / deviation, computed in double precision and rounded once.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"
#include "runtime/data/dataset.h"
#include "runtime/data/idx.h"

namespace sterna::data {

std::unique_ptr<Dataset> make_fashion_mnist(const DatasetOptions& options);
std::unique_ptr<Dataset> make_mnist(const DatasetOptions& options);

namespace {

constexpr std::size_t kSide = 28;
constexpr std::size_t kPixels = kSide * kSide;
constexpr std::size_t kClasses = 10;

struct Normalisation {
  double mean;       // of the training images' pixels, scaled to [0, 1]
  double deviation;  // their standard deviation
};

struct Images {
  std::vector<std::uint8_t> pixels;  // [samples, 28, 28]
  std::vector<std::uint8_t> labels;  // [samples]
};

Images read_images(const std::filesystem::path& directory, std::string_view prefix) {
  const std::filesystem::path images_path = find_file(directory, cat(prefix, "-images-idx3-ubyte"));
  const std::filesystem::path labels_path = find_file(directory, cat(prefix, "-labels-idx1-ubyte"));
  IdxFile images = read_idx(images_path, {kSide, kSide});
  IdxFile labels = read_idx(labels_path, {});
  if (images.items != labels.items) {
    throw ConfigError(cat("[data] ", labels_path.string(), " = ", labels.items,
                          " labels: ", images_path.string(), " has ", images.items,
                          " images, and each needs one; fetch both files again"));
  }
  for (std::size_t i = 0; i < labels.items; ++i) {
    if (labels.bytes[i] < kClasses) continue;
    throw ConfigError(cat("[data] ", labels_path.string(), " = label ", int{labels.bytes[i]}, " of sample ",
                          i, ": must be in [0, ", kClasses, "); fetch the file again"));
  }
  return {.pixels = std::move(images.bytes), .labels = std::move(labels.bytes)};
}

class ImageFiles final : public Dataset {
 public:
  ImageFiles(const std::filesystem::path& directory, const Normalisation& normalisation)
      : train_(read_images(directory, "train")), test_(read_images(directory, "t10k")) {
    for (std::size_t byte = 0; byte < value_of_.size(); ++byte) {
      const double scaled = static_cast<double>(byte) / 255.0;
      value_of_[byte] = static_cast<float>((scaled - normalisation.mean) / normalisation.deviation);
    }
  }

  const SampleShape& sample_shape() const override { return shape_; }
  std::size_t samples(Split split) const override { return images(split).labels.size(); }
  std::int32_t label(std::uint32_t number) const override { return train_.labels.at(number); }

  void read(Split split, std::uint32_t /*epoch*/, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    const Images& from = images(split);
    STERNA_CHECK(batch.inputs.size() >= (numbers.size() * kPixels));
    STERNA_CHECK(batch.labels.size() >= numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::size_t number = numbers[i];
      STERNA_CHECK(number < from.labels.size());
      batch.labels[i] = from.labels[number];
      for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
        batch.inputs[i * kPixels + pixel] = value_of_[from.pixels[number * kPixels + pixel]];
      }
    }
  }

 private:
  const Images& images(Split split) const { return split == Split::kTrain ? train_ : test_; }

  SampleShape shape_{.input = {1, kSide, kSide}, .classes = kClasses, .labels = 1, .symbols = 0};
  Images train_;
  Images test_;
  std::array<float, 256> value_of_{};  // of a byte
};

}  // namespace

std::unique_ptr<Dataset> make_mnist(const DatasetOptions& options) {
  if (options.directory.empty()) {
    throw ConfigError(
        "[data] data-dir = \"\": mnist needs a directory with its four IDX files; give one, or take --data "
        "fashion-mnist, which is a Debian package");
  }
  return std::make_unique<ImageFiles>(options.directory, Normalisation{.mean = 0.1307, .deviation = 0.3081});
}

std::unique_ptr<Dataset> make_fashion_mnist(const DatasetOptions& options) {
  constexpr std::string_view kPackaged = "/usr/share/datasets/fashion-mnist";
  const std::filesystem::path directory = options.directory.empty() ? kPackaged : options.directory;
  std::error_code ignored;  // a path that cannot be looked at is as good as none
  if (!std::filesystem::is_directory(directory, ignored)) {
    throw ConfigError(cat("[data] data-dir = ", directory.string(),
                          ": must be a directory with fashion-mnist's four IDX files; apt-get install "
                          "dataset-fashion-mnist puts them into ",
                          kPackaged, ", which is the default"));
  }
  return std::make_unique<ImageFiles>(directory, Normalisation{.mean = 0.2860, .deviation = 0.3530});
}

}  // namespace sterna::data
