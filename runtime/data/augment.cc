#include "runtime/data/augment.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::data {
namespace {

constexpr int kBorderPixels = 4;
constexpr std::uint64_t kDrawsPerSample = 3;

struct Extents {
  std::ptrdiff_t height;
  std::ptrdiff_t width;
};

// Writes one channel of an image to `out`, as `change` says; out's pixels are 0 before.
void write_channel(const float* channel, const Extents& extents, const CropFlip& change, float* out) {
  const std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, -change.right);
  const std::ptrdiff_t last = std::min(extents.width, extents.width - change.right);
  for (std::ptrdiff_t row = 0; row < extents.height; ++row) {
    const std::ptrdiff_t from_row = row + change.down;
    if (from_row < 0 || from_row >= extents.height || first >= last) continue;
    const float* from = channel + from_row * extents.width + change.right;
    float* to = out + row * extents.width;
    if (change.is_mirrored) {
      std::reverse_copy(from + first, from + last, to + extents.width - last);
    } else {
      std::copy(from + first, from + last, to + first);
    }
  }
}

class Augmented final : public Dataset {
 public:
  Augmented(std::unique_ptr<Dataset> images, std::uint64_t seed) : images_(std::move(images)), seed_(seed) {}

  const SampleShape& sample_shape() const override { return images_->sample_shape(); }
  std::size_t samples(Split split) const override { return images_->samples(split); }

  std::int32_t label(std::uint32_t number) const override { return images_->label(number); }

  void read(Split split, std::uint32_t epoch, std::span<const std::uint32_t> numbers,
            Batch& batch) const override {
    images_->read(split, epoch, numbers, batch);
    if (split != Split::kTrain) return;
    const std::size_t elements = input_elements(sample_shape());
    std::vector<float> before(elements);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto image = std::span(batch.inputs).subspan(i * elements, elements);
      std::ranges::copy(image, before.begin());
      change_image(before, draw_crop_flip(seed_, epoch, numbers[i]), image);
    }
  }

 private:
  void change_image(const std::vector<float>& before, const CropFlip& change, std::span<float> image) const {
    const std::vector<std::size_t>& input = sample_shape().input;
    const Extents extents{.height = static_cast<std::ptrdiff_t>(input[1]),
                          .width = static_cast<std::ptrdiff_t>(input[2])};
    const std::size_t channel_pixels = input[1] * input[2];
    std::ranges::fill(image, 0.0f);
    for (std::size_t channel = 0; channel < input[0]; ++channel) {
      write_channel(before.data() + channel * channel_pixels, extents, change,
                    image.data() + channel * channel_pixels);
    }
  }

  std::unique_ptr<Dataset> images_;
  std::uint64_t seed_;
};

}  // namespace

CropFlip draw_crop_flip(std::uint64_t seed, std::uint32_t epoch, std::uint32_t number) {
  const RandomKey key{.seed = seed, .use = RandomUse::kAugmentation, .step = epoch};
  const auto draw = [&](std::uint64_t which, std::uint32_t bound) {
    return static_cast<int>(random_below(key, kDrawsPerSample * number + which, bound));
  };
  return {.down = draw(0, 2 * kBorderPixels + 1) - kBorderPixels,
          .right = draw(1, 2 * kBorderPixels + 1) - kBorderPixels,
          .is_mirrored = draw(2, 2) == 1};
}

std::unique_ptr<Dataset> make_crop_flip(std::unique_ptr<Dataset> images, std::uint64_t seed) {
  STERNA_CHECK(images->sample_shape().input.size() == 3u);
  return std::make_unique<Augmented>(std::move(images), seed);
}

std::unique_ptr<Dataset> augmented(std::unique_ptr<Dataset> dataset, std::string_view augment,
                                   std::uint64_t seed) {
  if (augment == "none") return dataset;
  if (augment != "crop-flip") {
    throw ConfigError(cat("[data] augment = \"", augment, "\": must be none or crop-flip"));
  }
  const SampleShape& shape = dataset->sample_shape();
  if (shape.input.size() != 3 || shape.symbols != 0) {
    throw ConfigError(
        cat("[data] augment = crop-flip: needs images, channels x height x width, but samples are ",
            joined(shape.input, " x "), "; take --augment none"));
  }
  return make_crop_flip(std::move(dataset), seed);
}

}  // namespace sterna::data
