#include "models/layers/mean_over_positions.h"

#include "runtime/core/errors.h"
#include "runtime/tensor/elementwise.h"

namespace sterna::models {

MeanOverPositions::MeanOverPositions(const LayerContext& context)
    : arena_(context.arena),
      input_form_(context.input),
      output_form_{.shape = {context.input.shape.front(), context.input.shape.back()}, .blocks = nullptr},
      needs_input_gradient_(context.needs_input_gradient),
      output_(context.arena.reserve(output_form_)) {
  STERNA_CHECK(input_form_.is_plain() == true);
  STERNA_CHECK(input_form_.shape.size() == 3u);
}

tensor::ConstTensor MeanOverPositions::forward(tensor::ConstTensor input, const Pass&) {
  const std::size_t positions = input_form_.shape[1];
  const std::size_t features = input_form_.shape[2];
  for (std::size_t b = 0; b < output_form_.shape[0]; ++b) {
    const std::span<float> mean = output_.storage().subspan(b * features, features);
    tensor::sum_rows(input.storage().subspan(b * positions * features, positions * features), mean);
    for (float& value : mean) value /= static_cast<float>(positions);
  }
  return output_;
}

tensor::Tensor MeanOverPositions::backward(tensor::Tensor output_gradient, const Pass&) {
  tensor::Tensor input_gradient{.form = &input_form_, .data = nullptr};
  if (needs_input_gradient_) {
    input_gradient = arena_.borrow(input_form_);
    const std::size_t positions = input_form_.shape[1];
    const std::size_t features = input_form_.shape[2];
    for (std::size_t row = 0; row < output_form_.shape[0] * positions; ++row) {
      const float* from = output_gradient.data + row / positions * features;
      float* to = input_gradient.data + row * features;
      for (std::size_t i = 0; i < features; ++i) to[i] = from[i] / static_cast<float>(positions);
    }
  }
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
