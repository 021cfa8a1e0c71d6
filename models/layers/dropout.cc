#include "models/layers/dropout.h"

#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::models {
namespace {

std::uint32_t share_of_words(double probability) {
  STERNA_CHECK(probability >= 0.0);
  STERNA_CHECK(probability < 1.0);
  return static_cast<std::uint32_t>(std::ldexp(probability, 32));
}

}  // namespace

tensor::kernels::KeepRule keep_rule(const DropoutOptions& options, const PassKey& key) {
  return {.key = {.seed = key.seed,
                  .use = RandomUse::kDropout,
                  .learner = key.learner,
                  .step = static_cast<std::uint32_t>(key.step),
                  .layer = options.number},
          .drop_below = share_of_words(options.probability),
          .scale = static_cast<float>(1.0 / (1.0 - options.probability))};
}

Dropout::Dropout(const LayerContext& context, const DropoutOptions& options)
    : form_(context.input), options_(options) {
  if (options.probability == 0.0) return;
  mask_ = context.operations().make_keep_mask(form_.storage_elements());
  output_ = context.arena.reserve(form_);
}

tensor::ConstTensor Dropout::forward(tensor::ConstTensor input, const Pass& pass) {
  if (!mask_ || !pass.is_training) return {&form_, input.data};
  mask_->draw(keep_rule(options_, pass.key));
  mask_->apply(input.storage(), output_.storage());
  return output_;
}

// In place: the gradient of the output becomes that of the input, which has the same form.
tensor::Tensor Dropout::backward(tensor::Tensor output_gradient, const Pass& pass) {
  if (mask_ && pass.is_training) mask_->apply(output_gradient.storage(), output_gradient.storage());
  return {&form_, output_gradient.data};
}

}  // namespace sterna::models
