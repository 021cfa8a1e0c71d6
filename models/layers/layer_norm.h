// Layer normalisation over the last extent; torch.nn.LayerNorm.
#pragma once

#include <span>
#include <string>

#include "models/layers/layer.h"

namespace sterna::models {

struct LayerNormOptions {
  double epsilon = 1e-5;  // added to the variance
};

// Plain [..., features] -> the same form. The parameters "<name>.weight" (1 at first) and "<name>.bias" (0).
class LayerNorm final : public Layer {
 public:
  LayerNorm(const LayerContext& context, const std::string& name, const LayerNormOptions& options = {});

  const tensor::TensorForm& output_form() const override { return form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

 private:
  [[nodiscard]] tensor::kernels::NormalisedRows rows_of_input(const Pass& pass) const;

  tensor::Operations& operations_;
  tensor::TensorForm form_;
  std::size_t features_;
  std::size_t rows_;
  float epsilon_;
  std::size_t weight_;
  std::size_t bias_;
  std::span<float> means_;               // [rows]
  std::span<float> inverse_deviations_;  // [rows]
  tensor::ConstTensor input_;            // of the last forward()
  tensor::Tensor output_;
};

}  // namespace sterna::models
