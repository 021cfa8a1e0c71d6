// What layers with weights have in common: parameters, the three products, and a max(., 0) fused behind them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "models/layers/layer.h"
#include "runtime/tensor/products.h"

namespace sterna::models {

// The parameters "<name>.weight" and, if has_bias, "<name>.bias". Initial values as PyTorch's: both uniform
// in
// +-1/sqrt(fan_in), fan_in being the product of all extents of the weights but the first.
struct ProductParameters {
  std::string name;
  tensor::Shape weight_shape;  // [out, in...]
  tensor::ParameterKind kind;
  double multiplications_per_element;
  bool has_bias = true;
};

class ProductLayer : public Layer {
 public:
  const tensor::TensorForm& output_form() const final { return products_->output_form(); }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) final;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) final;

 protected:
  ProductLayer(const LayerContext& context, std::unique_ptr<tensor::Products> products,
               const ProductParameters& parameters, bool has_relu);

 private:
  tensor::Operations& operations_;
  tensor::Arena& arena_;
  tensor::TensorForm input_form_;
  bool needs_input_gradient_;
  std::unique_ptr<tensor::Products> products_;
  bool has_relu_;
  std::size_t weight_;
  std::optional<std::size_t> bias_;
  tensor::ConstTensor input_;  // of the last forward()
  tensor::Tensor output_;
};

}  // namespace sterna::models
