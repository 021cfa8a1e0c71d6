#include "models/layers/relu.h"

namespace sterna::models {

Relu::Relu(const LayerContext& context)
    : operations_(context.operations()), form_(context.input), output_(context.arena.reserve(form_)) {}

tensor::ConstTensor Relu::forward(tensor::ConstTensor input, const Pass&) {
  operations_.relu(input.storage(), output_.storage());
  return output_;
}

// In place: the gradient of the output becomes that of the input, which has the same form.
tensor::Tensor Relu::backward(tensor::Tensor output_gradient, const Pass&) {
  operations_.mask_relu_gradient(output_.storage(), output_gradient.storage());
  return output_gradient;
}

}  // namespace sterna::models
