#include "models/layers/average_pool.h"

namespace sterna::models {

AveragePool::AveragePool(const LayerContext& context, const AveragePoolOptions& options)
    : arena_(context.arena),
      input_form_(context.input),
      pooling_(context.operations().make_average_pooling(
          input_form_, {.window = options.window, .outputs = options.outputs})),
      output_(context.arena.reserve(pooling_->output_form())) {}

tensor::ConstTensor AveragePool::forward(tensor::ConstTensor input, const Pass&) {
  pooling_->forward(input, output_);
  return output_;
}

tensor::Tensor AveragePool::backward(tensor::Tensor output_gradient, const Pass&) {
  const tensor::Tensor input_gradient = arena_.borrow(input_form_);
  pooling_->backward(output_gradient, input_gradient);
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
