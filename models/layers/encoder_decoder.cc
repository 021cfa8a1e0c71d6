#include "models/layers/encoder_decoder.h"

#include "runtime/core/errors.h"

namespace sterna::models {

EncoderDecoder::EncoderDecoder(const LayerContext& context,
                               const std::function<void(Sequential&)>& add_encoder,
                               const AddDecoder& add_decoder)
    : operations_(context.operations()), arena_(context.arena), encoder_(context), decoder_(context) {
  STERNA_CHECK(context.needs_input_gradient == false);
  add_encoder(encoder_);
  memory_.form = encoder_.output_form();
  add_decoder(decoder_, memory_);
}

tensor::ConstTensor EncoderDecoder::forward(tensor::ConstTensor input, const Pass& pass) {
  memory_.value = encoder_.forward(input, pass);
  return decoder_.forward(input, pass);
}

tensor::Tensor EncoderDecoder::backward(tensor::Tensor output_gradient, const Pass& pass) {
  memory_.gradient = arena_.borrow(memory_.form);
  operations_.zero(memory_.gradient.storage());
  (void)decoder_.backward(output_gradient, pass);
  return encoder_.backward(memory_.gradient, pass);
}

double EncoderDecoder::multiplications_of_activations() const {
  return encoder_.multiplications_of_activations() + decoder_.multiplications_of_activations();
}

}  // namespace sterna::models
