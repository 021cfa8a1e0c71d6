#include "runtime/data/dataset.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "runtime/core/errors.h"
#include "runtime/data/augment.h"

namespace sterna::data {

// Each defined in its own file; declared only here, so only the table calls them.
std::unique_ptr<Dataset> make_cifar10(const DatasetOptions& options);
std::unique_ptr<Dataset> make_cifar100(const DatasetOptions& options);
std::unique_ptr<Dataset> make_fashion_mnist(const DatasetOptions& options);
std::unique_ptr<Dataset> make_fsdd(const DatasetOptions& options);
std::unique_ptr<Dataset> make_image_folder(const DatasetOptions& options);
std::unique_ptr<Dataset> make_mnist(const DatasetOptions& options);
std::unique_ptr<Dataset> make_multi30k(const DatasetOptions& options);
std::unique_ptr<Dataset> make_synthetic(const DatasetOptions& options);
std::unique_ptr<Dataset> make_text(const DatasetOptions& options);

namespace {

constexpr DatasetEntry kDatasets[] = {
    {"cifar10", "32 x 32 colour images in 10 classes; the binary version's .bin files in --data-dir",
     make_cifar10},
    {"cifar100", "32 x 32 colour images in 100 classes; train.bin and test.bin in --data-dir", make_cifar100},
    {"fashion-mnist", "28 x 28 images of clothes in 10 classes; Debian package dataset-fashion-mnist",
     make_fashion_mnist},
    {"fsdd", "spoken digits as log mel energies; DIGIT_SPEAKER_INDEX.wav in --data-dir or its recordings/",
     make_fsdd},
    {"image-folder", "JPEG images of any size, such as ImageNet's; train/CLASS/ and val/CLASS/ in --data-dir",
     make_image_folder},
    {"mnist", "28 x 28 images of digits in 10 classes; IDX files, plain or gzip, in --data-dir", make_mnist},
    {"multi30k", "English sentences with their German translations; train and test_2016_flickr in --data-dir",
     make_multi30k},
    {"synthetic", "made up for any model, learnable, no files; 8192 samples to train on, 1024 to test",
     make_synthetic},
    {"text", "the next byte of a text at every position; input.txt in --data-dir", make_text},
};
static_assert(std::ranges::adjacent_find(kDatasets, std::ranges::greater_equal{}, &DatasetEntry::name) ==
                  std::end(kDatasets),
              "keep the table sorted, each name once");

std::string in_words(const SampleShape& shape) {
  const std::string inputs =
      shape.symbols == 0 ? std::string("real numbers") : cat("symbols out of ", shape.symbols);
  return cat("samples of ", joined(shape.input, " x "), " ", inputs, " with ", shape.labels,
             " label(s) out of ", shape.classes, " classes");
}

const DatasetEntry& find_dataset(std::string_view name) {
  const auto found = std::ranges::find(kDatasets, name, &DatasetEntry::name);
  if (found != std::end(kDatasets)) return *found;
  std::vector<std::string_view> names;
  for (const DatasetEntry& entry : kDatasets) names.push_back(entry.name);
  throw ConfigError(cat("[data] data = ", name, ": no such data set; this build has ", joined(names, ", ")));
}

}  // namespace

std::span<const DatasetEntry> dataset_table() {
  return kDatasets;
}

std::unique_ptr<Dataset> make_dataset(std::string_view name, const DatasetOptions& options) {
  std::unique_ptr<Dataset> dataset = find_dataset(name).make(options);
  if (dataset->sample_shape() != options.wanted) {
    throw ConfigError(
        cat("[data] data = ", name, ": has ", in_words(dataset->sample_shape()), ", but the model takes ",
            in_words(options.wanted),
            "; take a model and a data set that fit, or --data synthetic, which fits every model"));
  }
  return augmented(std::move(dataset), options.augment, options.seed);
}

}  // namespace sterna::data
