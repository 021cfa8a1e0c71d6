// Largest value of each window, and where it was.
//
// Own code although oneDNN pools too: with the record that backward needs, oneDNN 2.6 on AVX2 took 3.4 ms
// forward and 2.8 ms back for 64 x 32 x 24 x 24 values in windows of 2 x 2, a fifth of lenet's whole step;
// this takes 0.5 ms each way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/tensor/tensor.h"

namespace sterna::tensor {

struct PoolingShape {
  std::size_t window;  // rows and columns
  std::size_t stride;
  std::size_t padding = 0;  // on each side, at most half a window; never the largest value
};

// Input [B, channels, height, width] in any layout, which the output shares. Rows and columns that fill no
// whole window are left out, as in PyTorch.
class MaxPooling {
 public:
  MaxPooling(const TensorForm& input, const PoolingShape& shape);

  [[nodiscard]] const TensorForm& output_form() const { return output_form_; }

  // A NaN is larger than any number.
  void forward(ConstTensor input, Tensor output);

  // Overwrites the gradient of the input of the last forward(): each window's gradient goes to its largest
  // value, the first one on a tie.
  void backward(ConstTensor output_gradient, Tensor input_gradient) const;

 private:
  struct Plane {
    std::size_t height, width;
  };

  // Calls visit(window, input element, output element) for each window, and in it for each group of lanes.
  template <typename Visit>
  void for_each_window(std::size_t plane, const Visit& visit) const;

  PoolingShape shape_;
  TensorForm output_form_;
  std::size_t lanes_;   // channels side by side
  std::size_t planes_;  // B * channels / lanes
  Plane input_;
  Plane output_;
  std::vector<std::int32_t>
      chosen_;  // like the output: which place of its window, without padding, each came from
};

}  // namespace sterna::tensor
