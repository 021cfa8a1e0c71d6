#include "tests/support/cuda/convolution.h"

#include <cblas.h>

#include <algorithm>
#include <vector>

namespace sterna::cuda_stand_in {
namespace {

// One group of one sample, as matrices: output [outputs, positions] = weights [outputs, taps] * rows
// [taps, positions], where a tap is a channel and a place of the kernel.
struct GroupExtents {
  explicit GroupExtents(const ConvolutionExtents& of)
      : all(of),
        channels(of.channels / of.groups),
        outputs(of.outputs / of.groups),
        taps(channels * of.kernel_height * of.kernel_width),
        positions(of.output_height * of.output_width) {}

  // Calls visit(input, weights, output): where a group's elements begin in each.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (std::ptrdiff_t sample = 0; sample < all.samples; ++sample) {
      for (std::ptrdiff_t group = 0; group < all.groups; ++group) {
        visit((sample * all.channels + group * channels) * all.height * all.width, group * outputs * taps,
              (sample * all.outputs + group * outputs) * positions);
      }
    }
  }

  // Calls visit(element of the rows, element of the image) where a tap meets the image.
  template <typename Visit>
  void for_each_tap(const Visit& visit) const {
    for (int tap = 0; tap < taps; ++tap) {
      const int column = tap % all.kernel_width;
      const int row = tap / all.kernel_width % all.kernel_height;
      const int channel = tap / (all.kernel_width * all.kernel_height);
      for (int position = 0; position < positions; ++position) {
        const int y = position / all.output_width * all.stride_height + row - all.padding_height;
        const int x = position % all.output_width * all.stride_width + column - all.padding_width;
        if (y < 0 || y >= all.height || x < 0 || x >= all.width) continue;
        visit(tap * positions + position, (channel * all.height + y) * all.width + x);
      }
    }
  }

  [[nodiscard]] std::vector<float> rows() const {
    return std::vector<float>(static_cast<std::size_t>(taps) * static_cast<std::size_t>(positions), 0.0f);
  }

  const ConvolutionExtents& all;
  int channels, outputs, taps, positions;
};

void unfold(const GroupExtents& group, const float* image, float* rows) {
  group.for_each_tap([&](int in_rows, int in_image) { rows[in_rows] = image[in_image]; });
}

}  // namespace

void convolve(const ConvolutionExtents& extents, const float* input, const float* weights, float* output) {
  const GroupExtents group(extents);
  std::vector<float> rows = group.rows();
  group.for_each([&](std::ptrdiff_t in, std::ptrdiff_t weight, std::ptrdiff_t out) {
    unfold(group, input + in, rows.data());
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, group.outputs, group.positions, group.taps, 1.0f,
                weights + weight, group.taps, rows.data(), group.positions, 0.0f, output + out,
                group.positions);
  });
}

void convolve_back_to_input(const ConvolutionExtents& extents, const float* weights,
                            const float* output_gradient, float* input_gradient) {
  const GroupExtents group(extents);
  std::vector<float> rows = group.rows();
  std::fill_n(input_gradient, extents.input_elements(), 0.0f);
  group.for_each([&](std::ptrdiff_t in, std::ptrdiff_t weight, std::ptrdiff_t out) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, group.taps, group.positions, group.outputs, 1.0f,
                weights + weight, group.taps, output_gradient + out, group.positions, 0.0f, rows.data(),
                group.positions);
    float* const image = input_gradient + in;
    group.for_each_tap(
        [&](int in_rows, int in_image) { image[in_image] += rows[static_cast<std::size_t>(in_rows)]; });
  });
}

void convolve_back_to_weights(const ConvolutionExtents& extents, const float* input,
                              const float* output_gradient, float* weight_gradient) {
  const GroupExtents group(extents);
  std::vector<float> rows = group.rows();
  std::fill_n(weight_gradient, extents.weight_elements(), 0.0f);
  group.for_each([&](std::ptrdiff_t in, std::ptrdiff_t weight, std::ptrdiff_t out) {
    unfold(group, input + in, rows.data());
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, group.outputs, group.taps, group.positions, 1.0f,
                output_gradient + out, group.positions, rows.data(), group.positions, 1.0f,
                weight_gradient + weight, group.taps);
  });
}

}  // namespace sterna::cuda_stand_in
