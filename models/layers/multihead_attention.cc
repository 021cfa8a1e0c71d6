#include "models/layers/multihead_attention.h"

#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

tensor::AttentionShape attention_shape(const LayerContext& context, const MultiheadAttentionOptions& options,
                                       std::size_t keys) {
  const tensor::Shape& input = context.input.shape;
  STERNA_CHECK(input.size() == 3u);
  STERNA_CHECK((input[2] % options.heads) == 0u);
  return {.samples = input[0],
          .heads = options.heads,
          .queries = input[1],
          .keys = keys,
          .features = input[2] / options.heads,
          .is_causal = options.is_causal};
}

std::size_t add_weight(const LayerContext& context, const std::string& name, std::size_t rows,
                       double initial_bound, double positions) {
  return context.parameters.add({.name = name,
                                 .shape = {rows, context.input.shape.back()},
                                 .kind = tensor::ParameterKind::kFullyConnected,
                                 .initial_bound = initial_bound,
                                 .multiplications_per_element = positions});
}

std::size_t add_bias(const LayerContext& context, const std::string& name, std::size_t rows) {
  return context.parameters.add({.name = name,
                                 .shape = {rows},
                                 .kind = tensor::ParameterKind::kBias,
                                 .multiplications_per_element = 0.0});
}

}  // namespace

MultiheadAttention::MultiheadAttention(const LayerContext& context, const std::string& name,
                                       const MultiheadAttentionOptions& options)
    : operations_(context.operations()),
      arena_(context.arena),
      form_(context.input),
      options_(options),
      features_(form_.shape.back()),
      keys_(options.memory == nullptr ? form_.shape[1] : options.memory->form.shape[1]),
      shape_(attention_shape(context, options, keys_)),
      attention_(operations_.make_attention(shape_, context.arena)) {
  const auto d = static_cast<double>(features_);
  const auto queries = static_cast<double>(form_.shape[1]);
  const auto keys = static_cast<double>(keys_);
  // A third of the rows meets each query, two thirds meet each key.
  in_weight_ = add_weight(context, name + ".in_proj_weight", 3 * features_, std::sqrt(6.0 / (4.0 * d)),
                          (queries + 2.0 * keys) / 3.0);
  in_bias_ = add_bias(context, name + ".in_proj_bias", 3 * features_);
  out_weight_ = add_weight(context, name + ".out_proj.weight", features_, 1.0 / std::sqrt(d), queries);
  out_bias_ = add_bias(context, name + ".out_proj.bias", features_);
  if (options.memory == nullptr) {
    add_projection(context, form_, 0, 3 * features_);
  } else {
    add_projection(context, form_, 0, features_);
    add_projection(context, options.memory->form, features_, 2 * features_);
  }
  context_ = context.arena.reserve(form_);
  out_products_ = operations_.make_fully_connected_products(form_, {.outputs = features_});
  output_ = context.arena.reserve(form_);
  if (options.has_padding) key_mask_ = context.arena.reserve(form_.shape[0] * keys_);
}

void MultiheadAttention::add_projection(const LayerContext& context, const tensor::TensorForm& source,
                                        std::size_t first_row, std::size_t rows) {
  Projection projection{.first_row = first_row,
                        .products = operations_.make_fully_connected_products(source, {.outputs = rows})};
  projection.output = context.arena.reserve(projection.products->output_form());
  projections_.push_back(std::move(projection));
}

template <typename Float>
std::span<Float> MultiheadAttention::rows_of(std::span<Float> parameter, const Projection& projection) const {
  const std::size_t of_row = parameter.size() / (3 * features_);
  const std::size_t rows = projection.products->output_form().shape.back();
  return parameter.subspan(projection.first_row * of_row, rows * of_row);
}

// The first projection reads the input, a second one the memory.
tensor::ConstTensor MultiheadAttention::source_of(const Projection& projection) const {
  return &projection == &projections_.front() ? input_ : options_.memory->value;
}

tensor::AttentionInputs MultiheadAttention::inputs(const Pass& pass) const {
  const tensor::Tensor& first = projections_.front().output;
  const tensor::Tensor& last = projections_.back().output;
  // Queries, keys and values lie side by side: 3 d columns from one source, or d and 2 d from two.
  const std::size_t stride = last.form->shape.back();
  const float* keys = last.data + (projections_.size() == 1 ? features_ : 0);
  tensor::AttentionInputs inputs{.query = {first.data, first.form->shape.back()},
                                 .key = {keys, stride},
                                 .value = {keys + features_, stride},
                                 .key_mask = key_mask_};
  if (pass.is_training && options_.dropout.probability > 0.0) {
    inputs.dropout = keep_rule(options_.dropout, pass.key);
  }
  return inputs;
}

void MultiheadAttention::read_padding(const Pass& pass) {
  if (key_mask_.empty()) return;
  const std::size_t of_sample = pass.symbols.size() / form_.shape[0];
  STERNA_CHECK((options_.first_symbol + keys_) <= of_sample);
  operations_.mask_padding(
      {.symbols = pass.symbols, .positions = of_sample, .first = options_.first_symbol, .count = keys_},
      key_mask_);
}

tensor::ConstTensor MultiheadAttention::forward(tensor::ConstTensor input, const Pass& pass) {
  input_ = input;
  for (const Projection& projection : projections_) {
    projection.products->forward(source_of(projection), rows_of(pass.value(in_weight_), projection),
                                 rows_of(pass.value(in_bias_), projection), projection.output);
  }
  read_padding(pass);
  attention_->forward(inputs(pass), {context_.data, features_});
  out_products_->forward(context_, pass.value(out_weight_), pass.value(out_bias_), output_);
  return output_;
}

tensor::Tensor MultiheadAttention::backward(const Projection& projection, tensor::Tensor gradient,
                                            const Pass& pass) {
  const tensor::ConstTensor source = source_of(projection);
  projection.products->weight_gradient(source, gradient, rows_of(pass.gradient(in_weight_), projection),
                                       rows_of(pass.gradient(in_bias_), projection));
  const tensor::Tensor of_source = arena_.borrow(*source.form);
  projection.products->input_gradient(gradient, rows_of(pass.value(in_weight_), projection), of_source);
  arena_.give_back(gradient);
  return of_source;
}

tensor::Tensor MultiheadAttention::backward(tensor::Tensor output_gradient, const Pass& pass) {
  out_products_->weight_gradient(context_, output_gradient, pass.gradient(out_weight_),
                                 pass.gradient(out_bias_));
  pass.tell_ready(out_bias_);
  pass.tell_ready(out_weight_);
  const tensor::Tensor of_context = arena_.borrow(form_);
  out_products_->input_gradient(output_gradient, pass.value(out_weight_), of_context);
  arena_.give_back(output_gradient);

  const tensor::Tensor first = arena_.borrow(*projections_.front().output.form);
  const bool has_memory = options_.memory != nullptr;
  const tensor::Tensor last = has_memory ? arena_.borrow(*projections_.back().output.form) : first;
  float* keys = last.data + (has_memory ? 0 : features_);
  const std::size_t stride = last.form->shape.back();
  attention_->backward(inputs(pass), {of_context.data, features_}, {first.data, first.form->shape.back()},
                       {keys, stride}, {keys + features_, stride});
  arena_.give_back(of_context);

  if (has_memory) {
    const tensor::Tensor of_memory = backward(projections_.back(), last, pass);
    const std::span<float> sum = options_.memory->gradient.storage();
    operations_.add(of_memory.storage(), sum, sum);
    arena_.give_back(of_memory);
  }
  const tensor::Tensor of_input = backward(projections_.front(), first, pass);
  pass.tell_ready(in_bias_);
  pass.tell_ready(in_weight_);
  return {.form = &form_, .data = of_input.data};
}

}  // namespace sterna::models
