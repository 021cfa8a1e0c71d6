#include "models/layers/max_pool.h"

namespace sterna::models {

MaxPool::MaxPool(const LayerContext& context, const MaxPoolOptions& options)
    : input_form_(context.input),
      pooling_(context.input,
               {.window = options.window, .stride = options.stride == 0 ? options.window : options.stride}),
      output_(context.arena.reserve(pooling_.output_form())),
      input_gradient_{.form = &input_form_, .data = nullptr} {
  if (context.needs_input_gradient) input_gradient_ = context.arena.reserve(input_form_);
}

tensor::ConstTensor MaxPool::forward(tensor::ConstTensor input, const Pass&) {
  pooling_.forward(input, output_);
  return output_;
}

tensor::Tensor MaxPool::backward(tensor::Tensor output_gradient, const Pass&) {
  if (input_gradient_.data != nullptr) pooling_.backward(output_gradient, input_gradient_);
  return input_gradient_;
}

}  // namespace sterna::models
