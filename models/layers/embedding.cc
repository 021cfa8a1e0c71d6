#include "models/layers/embedding.h"

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

EmbeddingOptions resolved(EmbeddingOptions options, const tensor::Shape& input) {
  STERNA_CHECK(input.size() == 2u);
  STERNA_CHECK(options.first < input[1]);
  if (options.count == 0) options.count = input[1] - options.first;
  STERNA_CHECK((options.first + options.count) <= input[1]);
  return options;
}

}  // namespace

Embedding::Embedding(const LayerContext& context, const std::string& name, const EmbeddingOptions& options)
    : operations_(context.operations()),
      arena_(context.arena),
      input_form_(context.input),
      options_(resolved(options, context.input.shape)),
      weight_(context.parameters.add({.name = name + ".weight",
                                      .shape = {options.symbols, options.features},
                                      .kind = tensor::ParameterKind::kEmbedding,
                                      .initial_deviation = options.initial_deviation,
                                      .multiplications_per_element = 0.0})),
      output_form_{.shape = {input_form_.shape[0], options_.count, options.features}, .blocks = nullptr},
      output_(context.arena.reserve(output_form_)) {}

tensor::SymbolWindow Embedding::window(const Pass& pass) const {
  STERNA_CHECK(pass.symbols.size() == tensor::elements_of(input_form_.shape));
  return {.symbols = pass.symbols,
          .positions = input_form_.shape[1],
          .first = options_.first,
          .count = options_.count};
}

tensor::ConstTensor Embedding::forward(tensor::ConstTensor, const Pass& pass) {
  operations_.gather_rows(window(pass), options_.features, pass.value(weight_), output_.storage());
  return output_;
}

tensor::Tensor Embedding::backward(tensor::Tensor output_gradient, const Pass& pass) {
  operations_.scatter_rows(window(pass), options_.features, output_gradient.storage(),
                           pass.gradient(weight_));
  arena_.give_back(output_gradient);
  pass.tell_ready(weight_);
  return {.form = &input_form_, .data = nullptr};
}

}  // namespace sterna::models
