#include "models/layers/max_pool.h"

namespace sterna::models {

MaxPool::MaxPool(const LayerContext& context, const MaxPoolOptions& options)
    : arena_(context.arena),
      input_form_(context.input),
      needs_input_gradient_(context.needs_input_gradient),
      pooling_(context.operations().make_max_pooling(
          context.input, {.window = options.window,
                          .stride = options.stride == 0 ? options.window : options.stride,
                          .padding = options.padding})),
      output_(context.arena.reserve(pooling_->output_form())) {}

tensor::ConstTensor MaxPool::forward(tensor::ConstTensor input, const Pass&) {
  pooling_->forward(input, output_);
  return output_;
}

tensor::Tensor MaxPool::backward(tensor::Tensor output_gradient, const Pass&) {
  tensor::Tensor input_gradient{.form = &input_form_, .data = nullptr};
  if (needs_input_gradient_) {
    input_gradient = arena_.borrow(input_form_);
    pooling_->backward(output_gradient, input_gradient);
  }
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
