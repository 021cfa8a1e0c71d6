#include "models/network.h"

#include "models/layers/softmax_cross_entropy.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

class Network final : public Model {
 public:
  Network(const data::SampleShape& sample, std::size_t batch_samples, const AddLayers& add_layers,
          double label_smoothing, const MakeGenerator& make_generator)
      : sample_(sample),
        batch_samples_(batch_samples),
        label_smoothing_(label_smoothing),
        make_generator_(make_generator),
        input_form_(form_of_inputs(sample, batch_samples)),
        layers_(LayerContext{.parameters = parameters_,
                             .statistics = statistics_,
                             .arena = arena_,
                             .input = input_form_,
                             .needs_input_gradient = false}) {
    add_layers(layers_);
    const tensor::Shape& logits = layers_.output_form().shape;
    STERNA_CHECK(tensor::elements_of(logits) == (batch_samples * sample.labels * sample.classes));
    STERNA_CHECK(logits.back() == sample.classes);
    loss_ = std::make_unique<SoftmaxCrossEntropy>(layers_.output_form(), arena_);
  }

  const data::SampleShape& sample_shape() const override { return sample_; }
  const tensor::ParameterTable& parameters() const override { return parameters_; }
  const tensor::ParameterTable& statistics() const override { return statistics_; }

  BatchScore forward_backward(const data::Batch& batch, const PassKey& key, const PassArenas& arenas,
                              const GradientReady& ready) override {
    const Pass pass = make_pass(batch, key, arenas, &ready);
    Span forward_span = pass.span("forward");
    const ScoreWithGradient scored =
        loss_->score_with_gradient(run_layers(batch, pass), batch.labels, label_smoothing_);
    forward_span.end();
    const Span backward_span = pass.span("backward");
    const tensor::Tensor input_gradient = layers_.backward(scored.gradient, pass);
    if (input_gradient.data != nullptr) arena_.give_back(input_gradient);
    return scored.score;
  }

  BatchScore evaluate(const data::Batch& batch, const PassArenas& arenas) override {
    return loss_->score(run_layers(batch, evaluation_pass(batch, arenas)), batch.labels);
  }

  std::span<const float> logits(const data::Batch& batch, const PassArenas& arenas) override {
    return run_layers(batch, evaluation_pass(batch, arenas)).storage();
  }

  BatchScore forward(const data::Batch& batch, const PassKey& key, const PassArenas& arenas) override {
    return loss_->score(run_layers(batch, make_pass(batch, key, arenas, nullptr)), batch.labels,
                        label_smoothing_);
  }

  std::unique_ptr<Generator> make_generator(const GeneratorShape& shape) const override {
    return make_generator_ ? make_generator_(shape, parameters_) : nullptr;
  }

  void record_spans(SpanLog& log) override { spans_ = &log; }

  double training_flops_per_sample() const override {
    double multiply_adds = layers_.multiplications_of_activations();
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

  Pass make_pass(const data::Batch& batch, const PassKey& key, const PassArenas& arenas,
                 const GradientReady* ready) const {
    STERNA_CHECK(batch.samples == batch_samples_);
    return {.parameters = parameters_,
            .statistics = statistics_,
            .arenas = arenas,
            .batch = &batch,
            .key = key,
            .ready = ready,
            .spans = spans_};
  }

  Pass evaluation_pass(const data::Batch& batch, const PassArenas& arenas) const {
    Pass pass = make_pass(batch, {}, arenas, nullptr);
    pass.is_training = false;
    return pass;
  }

  // Returns the logits. Inputs that are symbols have no tensor: the first layer finds them in the pass.
  tensor::ConstTensor run_layers(const data::Batch& batch, const Pass& pass) {
    const bool has_symbols = sample_.symbols > 0;
    STERNA_CHECK((has_symbols ? batch.symbols.size() : batch.inputs.size()) ==
                 tensor::elements_of(input_form_.shape));
    return layers_.forward({&input_form_, has_symbols ? nullptr : batch.inputs.data()}, pass);
  }

  data::SampleShape sample_;
  std::size_t batch_samples_;
  double label_smoothing_;
  MakeGenerator make_generator_;
  tensor::ParameterTable parameters_;
  tensor::ParameterTable statistics_;
  tensor::Arena arena_;
  tensor::TensorForm input_form_;
  Sequential layers_;
  std::unique_ptr<SoftmaxCrossEntropy> loss_;
  SpanLog* spans_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> make_network(const data::SampleShape& sample, std::size_t batch_samples,
                                    const AddLayers& add_layers, double label_smoothing,
                                    const MakeGenerator& make_generator) {
  return std::make_unique<Network>(sample, batch_samples, add_layers, label_smoothing, make_generator);
}

}  // namespace sterna::models
