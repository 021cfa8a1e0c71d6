// Mean of each window: windows of one size side by side, or as many as an output of given size asks for.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

// One of the two is 0; if both are, the window is the whole image.
struct AveragePoolingShape {
  std::size_t window = 0;   // rows and columns
  std::size_t outputs = 0;  // rows and columns of the output
};

// Input [B, channels, height, width] in any layout. The output has its layout, and is
//   [B, channels, height / window, width / window]: what fills no whole window is left out, as in PyTorch;
//   [B, channels, outputs, outputs]: window i of n has rows floor(i height / n) to ceil((i + 1) height / n),
//   as in torch.nn.AdaptiveAvgPool2d; they overlap where n does not divide the height;
//   or plain [B, channels], the mean of the whole image.
class AveragePooling {
 public:
  AveragePooling(const TensorForm& input, const AveragePoolingShape& shape);

  [[nodiscard]] const TensorForm& output_form() const { return output_form_; }

  void forward(ConstTensor input, Tensor output) const;

  // Overwrites the gradient of the input.
  void backward(ConstTensor output_gradient, Tensor input_gradient) const;

 private:
  struct Range {
    std::size_t begin, end;
  };

  [[nodiscard]] static std::vector<Range> windows(std::size_t extent, const AveragePoolingShape& shape);
  [[nodiscard]] float weight_of(std::size_t position) const;
  [[nodiscard]] std::size_t output_element(std::size_t plane, std::size_t position) const;

  std::size_t lanes_;
  std::size_t planes_;  // of each sample: channels / lanes
  std::size_t samples_;
  std::size_t channels_;
  std::size_t height_, width_;         // of the input
  std::vector<Range> rows_, columns_;  // of each row and column of the output
  bool is_global_;
  TensorForm output_form_;
};

}  // namespace sterna::tensor
