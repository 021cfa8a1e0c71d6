#include "models/network.h"

#include "models/layers/softmax_cross_entropy.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

// A batch where the operations find it: in memory of theirs, or, where that is the host's, where it lies.
class PlacedBatch {
 public:
  PlacedBatch(tensor::Operations& operations, const data::SampleShape& sample, std::size_t elements)
      : operations_(operations), sample_(sample), elements_(elements) {
    if (!operations.is_in_host_memory()) memory_ = operations.reserve(elements * sizeof(float));
  }

  // Until the next call, and as long as the batch.
  void place(const data::Batch& batch) {
    STERNA_CHECK((has_symbols() ? batch.symbols.size() : batch.inputs.size()) == elements_);
    if (has_symbols()) {
      symbols_ = placed<std::int32_t>(batch.symbols);
    } else {
      inputs_ = placed<float>(batch.inputs);
    }
  }

  // Null where inputs are symbols.
  [[nodiscard]] const float* inputs() const { return inputs_.data(); }
  [[nodiscard]] std::span<const std::int32_t> symbols() const { return symbols_; }

 private:
  [[nodiscard]] bool has_symbols() const { return sample_.symbols > 0; }

  template <typename Element>
  std::span<const Element> placed(std::span<const Element> host) {
    static_assert(sizeof(Element) == sizeof(float));
    if (memory_ == nullptr) return host;
    require_symbols(host);
    const std::span<Element> there(reinterpret_cast<Element*>(memory_.get()), elements_);
    operations_.copy_from_host(host, there);
    return there;
  }

  // A device does not check them.
  void require_symbols(std::span<const std::int32_t> symbols) const {
    for (std::int32_t symbol : symbols) {
      STERNA_CHECK(symbol >= 0);
      STERNA_CHECK(static_cast<std::size_t>(symbol) < sample_.symbols);
    }
  }
  void require_symbols(std::span<const float>) const {}

  tensor::Operations& operations_;
  const data::SampleShape& sample_;
  std::size_t elements_;
  tensor::Memory memory_;
  std::span<const float> inputs_;
  std::span<const std::int32_t> symbols_;
};

class Network final : public Model {
 public:
  Network(const data::SampleShape& sample, const ModelUse& use, const AddLayers& add_layers,
          double label_smoothing, const MakeGenerator& make_generator)
      : sample_(sample),
        batch_samples_(use.batch_samples),
        label_smoothing_(label_smoothing),
        make_generator_(make_generator),
        arena_(use.operations),
        input_form_(form_of_inputs(sample, batch_samples_)),
        batch_(use.operations, sample_, input_form_.storage_elements()),
        layers_(LayerContext{.parameters = parameters_,
                             .statistics = statistics_,
                             .arena = arena_,
                             .input = input_form_,
                             .needs_input_gradient = false}) {
    add_layers(layers_);
    const tensor::Shape& logits = layers_.output_form().shape;
    STERNA_CHECK(tensor::elements_of(logits) == (batch_samples_ * sample.labels * sample.classes));
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
    const tensor::Tensor gradient = loss_->begin(run_layers(pass), batch.labels, label_smoothing_);
    forward_span.end();
    const Span backward_span = pass.span("backward");
    const tensor::Tensor input_gradient = layers_.backward(gradient, pass);
    if (input_gradient.data != nullptr) arena_.give_back(input_gradient);
    return loss_->finish();
  }

  BatchScore evaluate(const data::Batch& batch, const PassArenas& arenas) override {
    return loss_->score(run_layers(evaluation_pass(batch, arenas)), batch.labels);
  }

  std::span<const float> logits(const data::Batch& batch, const PassArenas& arenas) override {
    const std::span<const float> logits = run_layers(evaluation_pass(batch, arenas)).storage();
    if (arena_.operations().is_in_host_memory()) return logits;
    logits_.resize(logits.size());
    arena_.operations().copy_to_host<float>(logits, logits_);
    return logits_;
  }

  BatchScore forward(const data::Batch& batch, const PassKey& key, const PassArenas& arenas) override {
    return loss_->score(run_layers(make_pass(batch, key, arenas, nullptr)), batch.labels, label_smoothing_);
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
                 const GradientReady* ready) {
    STERNA_CHECK(batch.samples == batch_samples_);
    batch_.place(batch);
    return {.parameters = parameters_,
            .statistics = statistics_,
            .arenas = arenas,
            .symbols = batch_.symbols(),
            .key = key,
            .ready = ready,
            .spans = spans_};
  }

  Pass evaluation_pass(const data::Batch& batch, const PassArenas& arenas) {
    Pass pass = make_pass(batch, {}, arenas, nullptr);
    pass.is_training = false;
    return pass;
  }

  // Returns the logits. Inputs that are symbols have no tensor: the first layer finds them in the pass.
  tensor::ConstTensor run_layers(const Pass& pass) {
    return layers_.forward({&input_form_, batch_.inputs()}, pass);
  }

  data::SampleShape sample_;
  std::size_t batch_samples_;
  double label_smoothing_;
  MakeGenerator make_generator_;
  tensor::ParameterTable parameters_;
  tensor::ParameterTable statistics_;
  tensor::Arena arena_;
  tensor::TensorForm input_form_;
  PlacedBatch batch_;
  Sequential layers_;
  std::unique_ptr<SoftmaxCrossEntropy> loss_;
  AlignedVector<float> logits_;  // a copy in the host's memory, where they are elsewhere
  SpanLog* spans_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> make_network(const data::SampleShape& sample, const ModelUse& use,
                                    const AddLayers& add_layers, double label_smoothing,
                                    const MakeGenerator& make_generator) {
  return std::make_unique<Network>(sample, use, add_layers, label_smoothing, make_generator);
}

}  // namespace sterna::models
