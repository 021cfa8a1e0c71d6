#include "models/layers/embedding.h"

#include <algorithm>

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
    : arena_(context.arena),
      input_form_(context.input),
      options_(resolved(options, context.input.shape)),
      weight_(context.parameters.add({.name = name + ".weight",
                                      .shape = {options.symbols, options.features},
                                      .kind = tensor::ParameterKind::kEmbedding,
                                      .initial_deviation = options.initial_deviation,
                                      .multiplications_per_element = 0.0})),
      output_form_{.shape = {input_form_.shape[0], options_.count, options.features}, .blocks = nullptr},
      output_(context.arena.reserve(output_form_)) {}

std::size_t Embedding::symbol_of(const Pass& pass, std::size_t row) const {
  const std::size_t positions = input_form_.shape[1];
  const std::size_t at = row / options_.count * positions + options_.first + row % options_.count;
  const std::int32_t symbol = pass.batch->symbols[at];
  STERNA_CHECK(symbol >= 0);
  STERNA_CHECK(static_cast<std::size_t>(symbol) < options_.symbols);
  return static_cast<std::size_t>(symbol);
}

tensor::ConstTensor Embedding::forward(tensor::ConstTensor, const Pass& pass) {
  const std::size_t features = options_.features;
  const std::size_t rows = output_form_.shape[0] * options_.count;
  const float* table = pass.value(weight_).data();
  for (std::size_t row = 0; row < rows; ++row) {
    std::copy_n(table + symbol_of(pass, row) * features, features, output_.data + row * features);
  }
  return output_;
}

// Rows are added in their order, so that the bits do not depend on the threads.
tensor::Tensor Embedding::backward(tensor::Tensor output_gradient, const Pass& pass) {
  const std::size_t features = options_.features;
  const std::size_t rows = output_form_.shape[0] * options_.count;
  const std::span<float> table = pass.gradient(weight_);
  std::ranges::fill(table, 0.0f);
  for (std::size_t row = 0; row < rows; ++row) {
    float* to = table.data() + symbol_of(pass, row) * features;
    const float* from = output_gradient.data + row * features;
    for (std::size_t i = 0; i < features; ++i) to[i] += from[i];
  }
  arena_.give_back(output_gradient);
  pass.tell_ready(weight_);
  return {.form = &input_form_, .data = nullptr};
}

}  // namespace sterna::models
