// Two chains over one input: an encoder, whose output the layers of a decoder attend to.
#pragma once

#include <functional>

#include "models/layers/multihead_attention.h"
#include "models/layers/sequential.h"

namespace sterna::models {

// The input has no gradient: both chains begin with what looks up symbols. The output is the decoder's.
class EncoderDecoder final : public Layer {
 public:
  using AddDecoder = std::function<void(Sequential& layers, AttendedMemory& memory)>;

  EncoderDecoder(const LayerContext& context, const std::function<void(Sequential&)>& add_encoder,
                 const AddDecoder& add_decoder);

  const tensor::TensorForm& output_form() const override { return decoder_.output_form(); }
  tensor::ConstTensor forward(tensor::ConstTensor input, const Pass& pass) override;
  tensor::Tensor backward(tensor::Tensor output_gradient, const Pass& pass) override;
  double multiplications_of_activations() const override;

 private:
  tensor::Operations& operations_;
  tensor::Arena& arena_;
  Sequential encoder_;
  Sequential decoder_;
  AttendedMemory memory_;
};

}  // namespace sterna::models
