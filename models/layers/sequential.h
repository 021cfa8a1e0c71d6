// Layers one after the other, and itself a layer.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "models/layers/layer.h"

namespace sterna::models {

class Sequential final : public Layer {
 public:
  explicit Sequential(const LayerContext& context);

  // Appends a layer of type L, constructed from its context and `options`.
  template <typename L, typename... Options>
  void add(Options&&... options) {
    layers_.push_back(std::make_unique<L>(next_context(), std::forward<Options>(options)...));
  }

  const tensor::TensorForm& output_form() const override;
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;
  double multiplications_of_activations() const override;

 private:
  LayerContext next_context() const;

  LayerContext context_;
  std::size_t parameters_before_;  // of layers outside, which come first
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace sterna::models
