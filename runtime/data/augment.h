// Random changes to training images, the same at any number of ranks and threads.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/data/dataset.h"

namespace sterna::data {

// Wraps a data set of images {channels, height, width} so that each training image is shown shifted by up to
// 4 pixels in each direction (a crop of the image in a border of 4 zeros, which are the mean after
// normalisation) and mirrored in every second case. What happens to an image is a function of seed, epoch and
// sample number. Test images stay as they are.
// Source: He et al., "Deep residual learning for image recognition", CVPR 2016, section 4.2.
[[nodiscard]] std::unique_ptr<Dataset> make_crop_flip(std::unique_ptr<Dataset> images, std::uint64_t seed);

// Returns the data set, wrapped as --augment says: none or crop-flip. Throws ConfigError for any other text,
// and if the samples are no images.
[[nodiscard]] std::unique_ptr<Dataset> augmented(std::unique_ptr<Dataset> dataset, std::string_view augment,
                                                 std::uint64_t seed);

// What happens to one image: the pixel at (row, column) is then that of (row + down, column + right) in the
// image, mirrored afterwards.
struct CropFlip {
  int down;   // in [-4, 4]
  int right;  // in [-4, 4]
  bool is_mirrored;
};

[[nodiscard]] CropFlip draw_crop_flip(std::uint64_t seed, std::uint32_t epoch, std::uint32_t number);

}  // namespace sterna::data
