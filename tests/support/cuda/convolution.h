// The three products of a convolution over groups of channels, in host memory: what the stand-in for cuDNN
// computes. Unfolded images meet the weights in OpenBLAS's products.
#pragma once

#include <cstddef>

namespace sterna::cuda_stand_in {

// Input [samples, channels, height, width], weights [outputs, channels / groups, kernel_height,
// kernel_width], output [samples, outputs, output_height, output_width].
struct ConvolutionExtents {
  int samples, channels, height, width;
  int outputs, kernel_height, kernel_width;
  int output_height, output_width;
  int padding_height, padding_width, stride_height, stride_width;
  int groups;

  [[nodiscard]] std::size_t input_elements() const {
    return static_cast<std::size_t>(samples) * static_cast<std::size_t>(channels) *
           static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  }
  [[nodiscard]] std::size_t weight_elements() const {
    return static_cast<std::size_t>(outputs) * static_cast<std::size_t>(channels / groups) *
           static_cast<std::size_t>(kernel_height) * static_cast<std::size_t>(kernel_width);
  }
  [[nodiscard]] std::size_t output_elements() const {
    return static_cast<std::size_t>(samples) * static_cast<std::size_t>(outputs) *
           static_cast<std::size_t>(output_height) * static_cast<std::size_t>(output_width);
  }
};

// Each overwrites its last argument.
void convolve(const ConvolutionExtents& extents, const float* input, const float* weights, float* output);
void convolve_back_to_input(const ConvolutionExtents& extents, const float* weights,
                            const float* output_gradient, float* input_gradient);
void convolve_back_to_weights(const ConvolutionExtents& extents, const float* input,
                              const float* output_gradient, float* weight_gradient);

}  // namespace sterna::cuda_stand_in
