#include "models/layers/mean_over_positions.h"

#include "runtime/core/errors.h"

namespace sterna::models {

MeanOverPositions::MeanOverPositions(const LayerContext& context)
    : operations_(context.operations()),
      arena_(context.arena),
      input_form_(context.input),
      output_form_{.shape = {context.input.shape.front(), context.input.shape.back()}, .blocks = nullptr},
      needs_input_gradient_(context.needs_input_gradient),
      output_(context.arena.reserve(output_form_)) {
  STERNA_CHECK(input_form_.is_plain() == true);
  STERNA_CHECK(input_form_.shape.size() == 3u);
}

tensor::ConstTensor MeanOverPositions::forward(tensor::ConstTensor input, const Pass&) {
  operations_.mean_over_positions(input_form_.shape[1], input, output_);
  return output_;
}

tensor::Tensor MeanOverPositions::backward(tensor::Tensor output_gradient, const Pass&) {
  tensor::Tensor input_gradient{.form = &input_form_, .data = nullptr};
  if (needs_input_gradient_) {
    input_gradient = arena_.borrow(input_form_);
    operations_.mean_over_positions_backward(input_form_.shape[1], output_gradient, input_gradient);
  }
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
