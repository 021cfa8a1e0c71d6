// Batch normalisation of images, with an addition and a clamp fused behind it; torch.nn.BatchNorm2d.
//
// Training normalises by the moments of the learner's own batch, and moves running_mean and running_var on by
// a tenth of the way (the running variance is the unbiased one); evaluation normalises by those two.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "models/layers/layer.h"
#include "runtime/tensor/channel_normalisation.h"

namespace sterna::models {

inline constexpr tensor::kernels::Clamp kNoClamp{};
inline constexpr tensor::kernels::Clamp kClampRelu{.lower = 0.0f};                  // max(., 0)
inline constexpr tensor::kernels::Clamp kClampRelu6{.lower = 0.0f, .upper = 6.0f};  // torch.nn.ReLU6

// [B, channels, height, width] -> the same, in the layout of its input.
class BatchNorm final : public Layer {
 public:
  // The parameters are "<name>.weight" and "<name>.bias", the statistics "<name>.running_mean" and
  // "<name>.running_var", each [channels]. Throws ConfigError where a channel has one value in a batch.
  BatchNorm(const LayerContext& context, const std::string& name, tensor::kernels::Clamp clamp);

  const tensor::TensorForm& output_form() const override { return form_; }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;

  // forward() of input and an addend of the same form: clamp(normalised(input) + addend).
  tensor::ConstTensor forward_adding(tensor::ConstTensor input, tensor::ConstTensor addend, const Pass& pass);

  // The backward pass of forward_adding() in two halves. Turns the output gradient into that of the addend,
  // overwrites the gradients of the parameters without telling of them, and returns the gradient of the
  // input.
  tensor::Tensor backward_adding(tensor::Tensor output_gradient, const Pass& pass);
  void tell_ready(const Pass& pass) const;

 private:
  tensor::Arena& arena_;
  tensor::TensorForm form_;
  std::size_t weight_, bias_;
  std::size_t running_mean_, running_variance_;
  std::unique_ptr<tensor::ChannelNormalisation> normalisation_;
  tensor::ConstTensor input_;  // of the last forward()
  tensor::Tensor output_;
};

}  // namespace sterna::models
