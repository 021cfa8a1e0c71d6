#include "models/layers/flatten.h"

namespace sterna::models {

Flatten::Flatten(const LayerContext& context) : arena_(context.arena), input_form_(context.input) {
  const std::size_t samples = input_form_.shape.front();
  output_form_.shape = {samples, tensor::elements_of(input_form_.shape) / samples};
  if (input_form_.is_plain()) return;
  reorder_ = context.operations().make_reorder(input_form_);
  output_ = context.arena.reserve(output_form_);
}

tensor::ConstTensor Flatten::forward(tensor::ConstTensor input, const Pass&) {
  if (!reorder_) return {&output_form_, input.data};
  reorder_->to_plain(input, output_);
  return output_;
}

tensor::Tensor Flatten::backward(tensor::Tensor output_gradient, const Pass&) {
  if (!reorder_) return {&input_form_, output_gradient.data};
  const tensor::Tensor input_gradient = arena_.borrow(input_form_);
  reorder_->from_plain(output_gradient, input_gradient);
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
