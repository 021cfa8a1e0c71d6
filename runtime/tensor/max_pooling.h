// Largest value of each window, and where it was, on the processor.
//
// Own code although oneDNN pools too: with the record that backward needs, oneDNN 2.6 on AVX2 took 3.4 ms
// forward and 2.8 ms back for 64 x 32 x 24 x 24 values in windows of 2 x 2, a fifth of lenet's whole step;
// this takes 0.5 ms each way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/tensor/pooling.h"

namespace sterna::tensor {

class MaxPooling final : public Pooling {
 public:
  MaxPooling(const TensorForm& input, const PoolingShape& shape);

  [[nodiscard]] const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, Tensor output) override;
  void backward(ConstTensor output_gradient, Tensor input_gradient) override;

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
