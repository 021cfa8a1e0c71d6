// Mean of each window, the windows side by side without overlap.
#pragma once

#include <cstddef>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// Input [B, channels, height, width] in any layout, output [B, channels, height / window, width / window].
// Rows and columns that fill no whole window are left out, as in PyTorch.
class AveragePooling {
 public:
  // A window of 0 rows is the whole image: the output is then plain, [B, channels].
  AveragePooling(const TensorForm& input, std::size_t window);

  [[nodiscard]] const TensorForm& output_form() const { return output_form_; }

  void forward(ConstTensor input, Tensor output) const;

  // Overwrites the gradient of the input.
  void backward(ConstTensor output_gradient, Tensor input_gradient) const;

 private:
  [[nodiscard]] std::size_t output_element(std::size_t plane, std::size_t position) const;

  std::size_t lanes_;
  std::size_t planes_;  // of each sample: channels / lanes
  std::size_t samples_;
  std::size_t channels_;
  std::size_t height_, width_;  // of the input
  std::size_t window_height_, window_width_;
  std::size_t output_height_, output_width_;
  bool is_global_;
  TensorForm output_form_;
};

}  // namespace sterna::tensor
