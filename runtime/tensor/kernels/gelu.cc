#include <cmath>
#include <numbers>

#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {

void gelu_plain(const float* bias, std::size_t row_count, std::size_t features, float* rows, float* output) {
  constexpr double kDensityAt0 = 0.3989422804014327;  // 1 / sqrt(2 pi)
  for (std::size_t row = 0; row < row_count; ++row) {
    for (std::size_t c = 0; c < features; ++c) {
      const std::size_t i = row * features + c;
      const double x = static_cast<double>(bias == nullptr ? rows[i] : rows[i] + bias[c]);
      const double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
      output[i] = static_cast<float>(x * below);
      rows[i] = static_cast<float>(below + x * kDensityAt0 * std::exp(-0.5 * x * x));
    }
  }
}

}  // namespace sterna::tensor::kernels
