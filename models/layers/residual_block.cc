#include "models/layers/residual_block.h"

#include "runtime/core/errors.h"

namespace sterna::models {

ResidualBlock::ResidualBlock(const LayerContext& context, const ResidualBlockOptions& options)
    : operations_(context.operations()), arena_(context.arena), branch_(context), shortcut_(context) {
  options.add_branch(branch_);
  LayerContext behind_branch{.parameters = context.parameters,
                             .statistics = context.statistics,
                             .arena = context.arena,
                             .input = branch_.output_form()};
  normalisation_ = std::make_unique<BatchNorm>(behind_branch, options.normalisation, options.clamp);
  if (options.add_shortcut) options.add_shortcut(shortcut_);
  STERNA_CHECK((shortcut_.output_form().shape == output_form().shape) == true);
  STERNA_CHECK(shortcut_.output_form().lanes() == output_form().lanes());
}

tensor::ConstTensor ResidualBlock::forward(tensor::ConstTensor input, const Pass& pass) {
  const tensor::ConstTensor addend = shortcut_.forward(input, pass);
  return normalisation_->forward_adding(branch_.forward(input, pass), addend, pass);
}

// The shortcut goes first, for its parameters are the last. One that is empty hands its gradient on.
tensor::Tensor ResidualBlock::backward(tensor::Tensor output_gradient, const Pass& pass) {
  const tensor::Tensor branch_end = normalisation_->backward_adding(output_gradient, pass);
  const tensor::Tensor from_shortcut = shortcut_.backward(output_gradient, pass);
  normalisation_->tell_ready(pass);
  const tensor::Tensor input_gradient = branch_.backward(branch_end, pass);
  if (from_shortcut.data == nullptr) return input_gradient;
  if (input_gradient.data != nullptr) {
    operations_.add(from_shortcut.storage(), input_gradient.storage(), input_gradient.storage());
  }
  arena_.give_back(from_shortcut);
  return input_gradient;
}

}  // namespace sterna::models
