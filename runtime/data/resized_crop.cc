#include "runtime/data/resized_crop.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/rng.h"

namespace sterna::data {
namespace {

constexpr std::uint64_t kDrawsPerSample = 32;  // three, and two for each try
constexpr std::uint64_t kTries = 10;
constexpr double kLeastArea = 0.08;
constexpr double kMostSlender = 4.0 / 3.0;
// Streams of their own, as a draw below a bound takes two words and a uniform one; crop-flip has stream 0.
constexpr std::uint16_t kPlaces = 1;
constexpr std::uint16_t kExtents = 2;

}  // namespace

ResizedCrop draw_resized_crop(std::uint64_t seed, std::uint32_t epoch, std::uint32_t number,
                              std::size_t height, std::size_t width) {
  const auto key = [&](std::uint16_t stream) {
    return RandomKey{.seed = seed, .use = RandomUse::kAugmentation, .step = epoch, .layer = stream};
  };
  const std::uint64_t first = kDrawsPerSample * number;
  const auto below = [&](std::uint64_t which, std::size_t bound) -> std::size_t {
    return random_below(key(kPlaces), first + which, static_cast<std::uint32_t>(bound));
  };
  const auto uniform = [&](std::uint64_t which) {
    return static_cast<double>(random_uniform(key(kExtents), first + which));
  };
  ResizedCrop crop{.top = 0, .left = 0, .height = 0, .width = 0, .is_mirrored = below(0, 2) == 1};
  for (std::uint64_t attempt = 0; attempt < kTries; ++attempt) {
    const double area =
        static_cast<double>(height * width) * (kLeastArea + (1.0 - kLeastArea) * uniform(3 + 2 * attempt));
    const double slenderness = std::exp(std::log(kMostSlender) * (2.0 * uniform(4 + 2 * attempt) - 1.0));
    crop.width = static_cast<std::size_t>(std::lround(std::sqrt(area * slenderness)));
    crop.height = static_cast<std::size_t>(std::lround(std::sqrt(area / slenderness)));
    if (crop.width == 0 || crop.height == 0 || crop.width > width || crop.height > height) continue;
    crop.top = below(1, height - crop.height + 1);
    crop.left = below(2, width - crop.width + 1);
    return crop;
  }
  const auto longest = [](std::size_t other) {
    return std::max<std::size_t>(1, std::lround(static_cast<double>(other) * kMostSlender));
  };
  crop.width = std::min(width, longest(height));
  crop.height = std::min(height, longest(width));
  crop.top = (height - crop.height) / 2;
  crop.left = (width - crop.width) / 2;
  return crop;
}

}  // namespace sterna::data
