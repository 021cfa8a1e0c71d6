// Layers one after the other, and itself a layer.
#pragma once

#include <memory>
#include <string>
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
    const std::size_t first_parameter = context_.parameters.size();
    append(std::make_unique<L>(next_context(), std::forward<Options>(options)...), first_parameter);
  }

  const tensor::TensorForm& output_form() const override;
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;
  double multiplications_of_activations() const override;

 private:
  struct NamedLayer {
    std::unique_ptr<Layer> layer;
    std::string name;  // in the timeline
  };

  LayerContext next_context() const;

  // `first_parameter` is the first that this layer has declared, if any.
  void append(std::unique_ptr<Layer> layer, std::size_t first_parameter);

  LayerContext context_;
  std::size_t parameters_before_;  // of layers outside, which come first
  std::vector<NamedLayer> layers_;
};

}  // namespace sterna::models
