#include <cmath>

#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {

void normalise_plain(const NormalisedRows& of, const float* shift, float epsilon, float* output) {
  const auto count = static_cast<float>(of.features);
  for (std::size_t row = 0; row < of.rows; ++row) {
    const float* in = of.input + row * of.features;
    float* out = output + row * of.features;
    float sum = 0.0f;
    for (std::size_t i = 0; i < of.features; ++i) sum += in[i];
    const float mean = sum / count;
    float squares = 0.0f;
    for (std::size_t i = 0; i < of.features; ++i) squares += (in[i] - mean) * (in[i] - mean);
    const float inverse = 1.0f / std::sqrt(squares / count + epsilon);
    for (std::size_t i = 0; i < of.features; ++i) {
      out[i] = (in[i] - mean) * inverse * of.scale[i] + shift[i];
    }
    of.means[row] = mean;
    of.inverse_deviations[row] = inverse;
  }
}

void normalise_backward_plain(const NormalisedRows& of, float* gradient, float* scale_gradient,
                              float* shift_gradient) {
  const auto count = static_cast<float>(of.features);
  for (std::size_t row = 0; row < of.rows; ++row) {
    const float* in = of.input + row * of.features;
    float* out = gradient + row * of.features;
    const float mean = of.means[row];
    const float inverse = of.inverse_deviations[row];
    float sum = 0.0f;
    float product_sum = 0.0f;
    for (std::size_t i = 0; i < of.features; ++i) {
      const float normal = (in[i] - mean) * inverse;
      scale_gradient[i] += out[i] * normal;
      shift_gradient[i] += out[i];
      sum += out[i] * of.scale[i];
      product_sum += out[i] * of.scale[i] * normal;
    }
    const float mean_of_gradient = sum / count;
    const float slope = product_sum / count;
    for (std::size_t i = 0; i < of.features; ++i) {
      const float normal = (in[i] - mean) * inverse;
      out[i] = inverse * (out[i] * of.scale[i] - mean_of_gradient - normal * slope);
    }
  }
}

}  // namespace sterna::tensor::kernels
