// Mean of each window, on the processor.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/tensor/pooling.h"

namespace sterna::tensor {

class AveragePooling final : public Pooling {
 public:
  AveragePooling(const TensorForm& input, const AveragePoolingShape& shape);

  [[nodiscard]] const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, Tensor output) override;
  void backward(ConstTensor output_gradient, Tensor input_gradient) override;

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
