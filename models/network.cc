#include "models/network.h"

#include "models/layers/softmax_cross_entropy.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

class Network final : public Model {
 public:
  Network(const data::SampleShape& sample, std::size_t batch_samples, const AddLayers& add_layers)
      : sample_(sample),
        batch_samples_(batch_samples),
        input_form_(form_of_inputs(sample, batch_samples)),
        layers_(LayerContext{.parameters = parameters_,
                             .arena = arena_,
                             .input = input_form_,
                             .needs_input_gradient = false}) {
    add_layers(layers_);
    loss_ = std::make_unique<SoftmaxCrossEntropy>(layers_.output_form(), arena_);
    STERNA_CHECK(layers_.output_form().shape[0] == (batch_samples * sample.labels));
    STERNA_CHECK(layers_.output_form().shape[1] == sample.classes);
  }

  const data::SampleShape& sample_shape() const override { return sample_; }
  const tensor::ParameterTable& parameters() const override { return parameters_; }

  BatchScore forward_backward(const data::Batch& batch, const PassKey& key, std::span<const float> values,
                              std::span<float> gradients, const GradientReady& ready) override {
    const Pass pass{
        .parameters = parameters_, .values = values, .gradients = gradients, .key = key, .ready = &ready};
    const BatchScore score = loss_->score_with_gradient(logits(batch, pass), batch.labels);
    layers_.backward(loss_->gradient(), pass);
    return score;
  }

  BatchScore evaluate(const data::Batch& batch, std::span<const float> values) override {
    const Pass pass{
        .parameters = parameters_, .values = values, .gradients = {}, .key = {}, .is_training = false};
    return loss_->score(logits(batch, pass), batch.labels);
  }

  BatchScore forward(const data::Batch& batch, const PassKey& key, std::span<const float> values) override {
    const Pass pass{.parameters = parameters_, .values = values, .gradients = {}, .key = key};
    return loss_->score(logits(batch, pass), batch.labels);
  }

  double training_flops_per_sample() const override {
    double multiply_adds = 0.0;
    for (const tensor::Parameter& parameter : parameters_) {
      multiply_adds += static_cast<double>(parameter.elements) * parameter.multiplications_per_element;
    }
    return 2.0 * 3.0 * multiply_adds;
  }

 private:
  static tensor::TensorForm form_of_inputs(const data::SampleShape& sample, std::size_t batch_samples) {
    STERNA_CHECK(batch_samples > 0u);
    tensor::TensorForm form{.shape = {batch_samples}, .blocks = nullptr};
    form.shape.insert(form.shape.end(), sample.input.begin(), sample.input.end());
    return form;
  }

  tensor::ConstTensor logits(const data::Batch& batch, const Pass& pass) {
    STERNA_CHECK(batch.samples == batch_samples_);
    STERNA_CHECK(batch.inputs.size() == tensor::elements_of(input_form_.shape));
    return layers_.forward({&input_form_, batch.inputs.data()}, pass);
  }

  data::SampleShape sample_;
  std::size_t batch_samples_;
  tensor::ParameterTable parameters_;
  tensor::Arena arena_;
  tensor::TensorForm input_form_;
  Sequential layers_;
  std::unique_ptr<SoftmaxCrossEntropy> loss_;
};

}  // namespace

std::unique_ptr<Model> make_network(const data::SampleShape& sample, std::size_t batch_samples,
                                    const AddLayers& add_layers) {
  return std::make_unique<Network>(sample, batch_samples, add_layers);
}

}  // namespace sterna::models
