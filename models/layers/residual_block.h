// A residual block: clamp(batch_norm(branch(x)) + shortcut(x)); He et al., "Deep residual learning for image
// recognition", CVPR 2016. A layer that owns layers.
#pragma once

#include <functional>
#include <string>

#include "models/layers/batch_norm.h"
#include "models/layers/sequential.h"

namespace sterna::models {

struct ResidualBlockOptions {
  std::function<void(Sequential&)> add_branch;    // all of the branch but the normalisation at its end
  std::string normalisation;                      // the name of that one
  std::function<void(Sequential&)> add_shortcut;  // nothing: the input itself
  tensor::kernels::Clamp clamp = kClampRelu;      // behind the sum
};

// Parameters come in the order branch, normalisation, shortcut. Both sides must end in the same form.
class ResidualBlock final : public Layer {
 public:
  ResidualBlock(const LayerContext& context, const ResidualBlockOptions& options);

  const tensor::TensorForm& output_form() const override { return normalisation_->output_form(); }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;
  double multiplications_of_activations() const override {
    return branch_.multiplications_of_activations() + shortcut_.multiplications_of_activations();
  }

 private:
  tensor::Operations& operations_;
  tensor::Arena& arena_;
  Sequential branch_;
  std::unique_ptr<BatchNorm> normalisation_;
  Sequential shortcut_;
};

}  // namespace sterna::models
