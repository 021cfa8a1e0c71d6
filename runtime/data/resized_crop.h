// Which part of a training image is shown: of random size and shape, and mirrored in every second case.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sterna::data {

struct ResizedCrop {
  std::size_t top, left;
  std::size_t height, width;  // in pixels of the whole image
  bool is_mirrored;
};

// The area is uniform in [0.08, 1] of the image's, the logarithm of width / height uniform in
// [log(3 / 4), log(4 / 3)], the place uniform. Where ten draws do not fit into the image, it is the largest
// part in its middle with such a shape. A function of seed, epoch, sample number and the image's size.
// Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6, as torchvision's
// RandomResizedCrop and RandomHorizontalFlip.
[[nodiscard]] ResizedCrop draw_resized_crop(std::uint64_t seed, std::uint32_t epoch, std::uint32_t number,
                                            std::size_t height, std::size_t width);

}  // namespace sterna::data
