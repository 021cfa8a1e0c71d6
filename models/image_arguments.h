// The sizes that networks for colour images share: "image" (rows and columns) and "classes".
#pragma once

#include <cstddef>

#include "models/arguments.h"
#include "runtime/data/batch.h"

namespace sterna::models {

// The standard sizes of ImageNet, and the smallest image that a network's poolings leave something of.
struct ImageSizes {
  std::size_t image = 224;
  std::size_t least_image = 1;
  std::size_t classes = 1000;
};

[[nodiscard]] inline data::SampleShape read_image_shape(ModelArguments& arguments,
                                                        const ImageSizes& standard) {
  const std::size_t image = arguments.whole("image", standard.image, standard.least_image, 1 << 12);
  return {.input = {3, image, image}, .classes = arguments.whole("classes", standard.classes, 2)};
}

}  // namespace sterna::models
