#include "models/layers/patch_embedding.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/tensor/fully_connected_products.h"

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
    : arena_(context.arena),
      input_form_(context.input),
      patch_(options.patch),
      patches_form_(form_of_patches(context.input, options.patch)),
      products_(tensor::make_fully_connected_products(patches_form_, {.outputs = options.features})),
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
      output_form_{.shape = {input_form_.shape[0], 1 + patches_form_.shape[1], options.features}},
      patches_(context.arena.reserve(patches_form_)),
      output_(context.arena.reserve(output_form_)) {
  STERNA_CHECK(context.needs_input_gradient == false);
}

void PatchEmbedding::cut(tensor::ConstTensor image) {
  const std::size_t height = input_form_.shape[2], width = input_form_.shape[3];
  const std::size_t planes = input_form_.shape[0] * input_form_.shape[1], channels = input_form_.shape[1];
  const std::size_t across = width / patch_, of_sample = height / patch_ * across;
  const std::size_t row_length = patches_form_.shape[2];
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t y = 0; y < height; ++y) {
      for (std::size_t x = 0; x < across; ++x) {
        const std::size_t row = plane / channels * of_sample + y / patch_ * across + x;
        const std::size_t column = (plane % channels * patch_ + y % patch_) * patch_;
        std::copy_n(image.data + (plane * height + y) * width + x * patch_, patch_,
                    patches_.data + row * row_length + column);
      }
    }
  }
}

tensor::ConstTensor PatchEmbedding::forward(tensor::ConstTensor input, const Pass& pass) {
  cut(input);
  const tensor::Tensor rows = arena_.borrow(products_->output_form());
  products_->forward(patches_, pass.value(weight_), pass.value(bias_), rows);
  const std::size_t samples = output_form_.shape[0], features = output_form_.shape[2];
  const std::size_t of_sample = patches_form_.shape[1] * features;
  for (std::size_t sample = 0; sample < samples; ++sample) {
    float* to = output_.data + sample * (of_sample + features);
    std::ranges::copy(pass.value(class_token_), to);
    std::copy_n(rows.data + sample * of_sample, of_sample, to + features);
  }
  arena_.give_back(rows);
  return output_;
}

tensor::Tensor PatchEmbedding::backward(tensor::Tensor output_gradient, const Pass& pass) {
  const tensor::Tensor rows = arena_.borrow(products_->output_form());
  const std::size_t samples = output_form_.shape[0], features = output_form_.shape[2];
  const std::size_t of_sample = patches_form_.shape[1] * features;
  const std::span<float> of_token = pass.gradient(class_token_);
  std::ranges::fill(of_token, 0.0f);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const float* from = output_gradient.data + sample * (of_sample + features);
    for (std::size_t i = 0; i < features; ++i) of_token[i] += from[i];
    std::copy_n(from + features, of_sample, rows.data + sample * of_sample);
  }
  arena_.give_back(output_gradient);
  products_->weight_gradient(patches_, rows, pass.gradient(weight_), pass.gradient(bias_));
  arena_.give_back(rows);
  pass.tell_ready(bias_);
  pass.tell_ready(weight_);
  pass.tell_ready(class_token_);
  return {.form = &input_form_, .data = nullptr};
}

FirstPosition::FirstPosition(const LayerContext& context)
    : arena_(context.arena),
      input_form_(context.input),
      output_form_{.shape = {input_form_.shape.front(), input_form_.shape.back()}},
      output_(context.arena.reserve(output_form_)) {
  STERNA_CHECK(input_form_.shape.size() == 3u);
  STERNA_CHECK(input_form_.is_plain() == true);
}

tensor::ConstTensor FirstPosition::forward(tensor::ConstTensor input, const Pass&) {
  const std::size_t features = output_form_.shape[1], of_sample = input_form_.shape[1] * features;
  for (std::size_t sample = 0; sample < output_form_.shape[0]; ++sample) {
    std::copy_n(input.data + sample * of_sample, features, output_.data + sample * features);
  }
  return output_;
}

tensor::Tensor FirstPosition::backward(tensor::Tensor output_gradient, const Pass&) {
  const tensor::Tensor input_gradient = arena_.borrow(input_form_);
  std::ranges::fill(input_gradient.storage(), 0.0f);
  const std::size_t features = output_form_.shape[1], of_sample = input_form_.shape[1] * features;
  for (std::size_t sample = 0; sample < output_form_.shape[0]; ++sample) {
    std::copy_n(output_gradient.data + sample * features, features, input_gradient.data + sample * of_sample);
  }
  arena_.give_back(output_gradient);
  return input_gradient;
}

}  // namespace sterna::models
