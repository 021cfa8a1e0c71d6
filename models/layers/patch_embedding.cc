#include "models/layers/patch_embedding.h"

#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

tensor::TensorForm form_of_patches(const tensor::TensorForm& image, std::size_t patch) {
  STERNA_CHECK(image.shape.size() == 4u);
  STERNA_CHECK(image.is_plain() == true);
  STERNA_CHECK((image.shape[2] % patch) == 0u);
  STERNA_CHECK((image.shape[3] % patch) == 0u);
  return {.shape = {image.shape[0], (image.shape[2] / patch) * (image.shape[3] / patch),
                    image.shape[1] * patch * patch}};
}

}  // namespace

PatchEmbedding::PatchEmbedding(const LayerContext& context, const std::string& name,
                               const PatchEmbeddingOptions& options)
    : operations_(context.operations()),
      arena_(context.arena),
      input_form_(context.input),
      patch_(options.patch),
      patches_form_(form_of_patches(context.input, options.patch)),
      products_(operations_.make_fully_connected_products(patches_form_, {.outputs = options.features})),
      class_token_(context.parameters.add({.name = "class_token",
                                           .shape = {1, 1, options.features},
                                           .kind = tensor::ParameterKind::kEmbedding,
                                           .multiplications_per_element = 0.0})),
      weight_(context.parameters.add(
          {.name = name + ".weight",
           .shape = {options.features, input_form_.shape[1], patch_, patch_},
           .kind = tensor::ParameterKind::kConvolution,
           // As torchvision's: deviation sqrt(1 / fan_in).
           .initial_deviation = 1.0 / std::sqrt(static_cast<double>(patches_form_.shape[2])),
           .multiplications_per_element = static_cast<double>(patches_form_.shape[1])})),
      bias_(context.parameters.add({.name = name + ".bias",
                                    .shape = {options.features},
                                    .kind = tensor::ParameterKind::kBias,
                                    .multiplications_per_element = 0.0})),
      token_form_{.shape = {input_form_.shape[0], options.features}},
      output_form_{.shape = {input_form_.shape[0], 1 + patches_form_.shape[1], options.features}},
      patches_(context.arena.reserve(patches_form_)),
      output_(context.arena.reserve(output_form_)) {
  STERNA_CHECK(context.needs_input_gradient == false);
}

// With rows Y y and columns X x, patches by rows and places in a patch: [B, C, Y, y, X, x] becomes
// [B, C, Y, X, y, x], and that [B, Y, X, C, y, x].
void PatchEmbedding::cut(tensor::ConstTensor image) {
  const std::size_t samples = input_form_.shape[0], channels = input_form_.shape[1];
  const std::size_t down = input_form_.shape[2] / patch_, across = input_form_.shape[3] / patch_;
  const tensor::Tensor by_channel = arena_.borrow(input_form_);
  operations_.swap_axes(
      {.batches = samples * channels * down, .outer = patch_, .inner = across, .features = patch_},
      image.data, by_channel.data);
  operations_.swap_axes(
      {.batches = samples, .outer = channels, .inner = down * across, .features = patch_ * patch_},
      by_channel.data, patches_.data);
  arena_.give_back(by_channel);
}

tensor::ConstTensor PatchEmbedding::forward(tensor::ConstTensor input, const Pass& pass) {
  cut(input);
  const tensor::Tensor rows = arena_.borrow(products_->output_form());
  products_->forward(patches_, pass.value(weight_), pass.value(bias_), rows);
  const std::size_t samples = output_form_.shape[0], features = output_form_.shape[2];
  const std::size_t of_sample = patches_form_.shape[1] * features;
  const std::size_t stride = of_sample + features;
  operations_.copy_rows({.rows = samples, .columns = features}, {pass.value(class_token_).data(), 0},
                        {output_.data, stride});
  operations_.copy_rows({.rows = samples, .columns = of_sample}, {rows.data, of_sample},
                        {output_.data + features, stride});
  arena_.give_back(rows);
  return output_;
}

tensor::Tensor PatchEmbedding::backward(tensor::Tensor output_gradient, const Pass& pass) {
  const tensor::Tensor rows = arena_.borrow(products_->output_form());
  const std::size_t samples = output_form_.shape[0], features = output_form_.shape[2];
  const std::size_t of_sample = patches_form_.shape[1] * features;
  const std::size_t stride = of_sample + features;
  const tensor::Tensor of_tokens = arena_.borrow(token_form_);
  operations_.copy_rows({.rows = samples, .columns = features}, {output_gradient.data, stride},
                        {of_tokens.data, features});
  operations_.sum_rows(of_tokens.storage(), pass.gradient(class_token_));
  arena_.give_back(of_tokens);
  operations_.copy_rows({.rows = samples, .columns = of_sample}, {output_gradient.data + features, stride},
                        {rows.data, of_sample});
  arena_.give_back(output_gradient);
  products_->weight_gradient(patches_, rows, pass.gradient(weight_), pass.gradient(bias_));
  arena_.give_back(rows);
  pass.tell_ready(bias_);
  pass.tell_ready(weight_);
  pass.tell_ready(class_token_);
  return {.form = &input_form_, .data = nullptr};
}

FirstPosition::FirstPosition(const LayerContext& context)
    : operations_(context.operations()),
      arena_(context.arena),
      input_form_(context.input),
      output_form_{.shape = {input_form_.shape.front(), input_form_.shape.back()}},
      output_(context.arena.reserve(output_form_)) {
  STERNA_CHECK(input_form_.shape.size() == 3u);
  STERNA_CHECK(input_form_.is_plain() == true);
}

tensor::ConstTensor FirstPosition::forward(tensor::ConstTensor input, const Pass&) {
  const std::size_t features = output_form_.shape[1], of_sample = input_form_.shape[1] * features;
  operations_.copy_rows({.rows = output_form_.shape[0], .columns = features}, {input.data, of_sample},
                        {output_.data, features});
  return output_;
}

tensor::Tensor FirstPosition::backward(tensor::Tensor output_gradient, const Pass&) {
  const tensor::Tensor input_gradient = arena_.borrow(input_form_);
  operations_.zero(input_gradient.storage());
  const std::size_t features = output_form_.shape[1], of_sample = input_form_.shape[1] * features;
  operations_.copy_rows({.rows = output_form_.shape[0], .columns = features},
                        {output_gradient.data, features}, {input_gradient.data, of_sample});
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
