#include "runtime/tensor/batch_normalisation.h"

#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::tensor {

BatchNormalisation::BatchNormalisation(const TensorForm& form, double epsilon, kernels::Clamp clamp)
    : kernels_(kernels::normalisation_for(form.lanes())),
      epsilon_(epsilon),
      clamp_(clamp),
      samples_(form.shape[0]),
      channels_(form.shape[1]),
      padded_channels_((channels_ + form.lanes() - 1) / form.lanes() * form.lanes()),
      patch_{.positions = form.shape[2] * form.shape[3], .lanes = form.lanes()},
      means_(padded_channels_),
      variances_(padded_channels_),
      mean_(padded_channels_, 0.0f),
      scale_(padded_channels_, 0.0f),
      shift_(padded_channels_, 0.0f),
      by_deviation_(padded_channels_, 0.0f),
      constant_(padded_channels_, 0.0f),
      first_partials_(samples_ * padded_channels_, 0.0f),
      second_partials_(samples_ * padded_channels_, 0.0f) {
  STERNA_CHECK(form.shape.size() == 4u);
  STERNA_CHECK(values_per_channel() > 1u);
  STERNA_CHECK(form.storage_elements() == samples_ * padded_channels_ * patch_.positions);
}

template <typename Visit>
void BatchNormalisation::for_each_patch(const Visit& visit) const {
  const std::size_t per_sample = padded_channels_ / patch_.lanes;
  const std::size_t elements = patch_.positions * patch_.lanes;
#pragma omp parallel for
  for (std::size_t i = 0; i < samples_ * per_sample; ++i) {
    visit(i * elements, i % per_sample * patch_.lanes, i * patch_.lanes);
  }
}

// Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979:
// squares around the mean of all are those around each sample's, plus what the means are apart.
void BatchNormalisation::combine_moments() {
  const auto positions = static_cast<double>(patch_.positions);
  for (std::size_t c = 0; c < channels_; ++c) {
    double sum = 0.0;
    double squares = 0.0;
    for (std::size_t b = 0; b < samples_; ++b) {
      sum += static_cast<double>(first_partials_[b * padded_channels_ + c]);
      squares += static_cast<double>(second_partials_[b * padded_channels_ + c]);
    }
    means_[c] = sum / static_cast<double>(samples_);
    for (std::size_t b = 0; b < samples_; ++b) {
      const double apart = static_cast<double>(first_partials_[b * padded_channels_ + c]) - means_[c];
      squares += positions * apart * apart;
    }
    variances_[c] = squares / static_cast<double>(values_per_channel());
  }
}

// Channels that only pad a patch keep mean, scale and shift of 0, and so stay 0.
void BatchNormalisation::set_affine(const ScaleAndShift& learned) {
  for (std::size_t c = 0; c < channels_; ++c) {
    mean_[c] = static_cast<float>(means_[c]);
    scale_[c] =
        static_cast<float>(static_cast<double>(learned.scale[c]) / std::sqrt(variances_[c] + epsilon_));
    shift_[c] = learned.shift[c];
  }
}

void BatchNormalisation::normalise(ConstTensor input, ConstTensor addend, Tensor output) {
  for_each_patch([&](std::size_t at, std::size_t channel, std::size_t) {
    kernels_.normalise(patch_, affine_at(channel), clamp_, input.data + at,
                       addend.data == nullptr ? nullptr : addend.data + at, output.data + at);
  });
}

void BatchNormalisation::forward_batch(ConstTensor input, const ScaleAndShift& learned, ConstTensor addend,
                                       Tensor output) {
  has_addend_ = addend.data != nullptr;
  for_each_patch([&](std::size_t at, std::size_t, std::size_t partial) {
    kernels_.moments(patch_, input.data + at, first_partials_.data() + partial,
                     second_partials_.data() + partial);
  });
  combine_moments();
  set_affine(learned);
  normalise(input, addend, output);
}

void BatchNormalisation::move_statistics(double momentum, std::span<float> means,
                                         std::span<float> variances) {
  const auto n = static_cast<double>(values_per_channel());
  const auto moved = [momentum](float from, double to) {
    return static_cast<float>((1.0 - momentum) * static_cast<double>(from) + momentum * to);
  };
  for (std::size_t c = 0; c < means.size(); ++c) {
    means[c] = moved(means[c], means_[c]);
    variances[c] = moved(variances[c], variances_[c] * n / (n - 1.0));
  }
}

void BatchNormalisation::forward_with(std::span<const float> means, std::span<const float> variances,
                                      ConstTensor input, const ScaleAndShift& learned, ConstTensor addend,
                                      Tensor output) {
  for (std::size_t c = 0; c < channels_; ++c) {
    means_[c] = static_cast<double>(means[c]);
    variances_[c] = static_cast<double>(variances[c]);
  }
  set_affine(learned);
  normalise(input, addend, output);
}

// With d = input - mean, r = 1 / sqrt(variance + epsilon) and n values a channel, the gradient of the input
// is scale * r * (g - sum(g) / n - d * r^2 * sum(g d) / n); scale_ is scale * r already.
void BatchNormalisation::reduce_gradient(ConstTensor input, ConstTensor output, Tensor output_gradient,
                                         std::span<float> scale, std::span<float> shift) {
  for_each_patch([&](std::size_t at, std::size_t channel, std::size_t partial) {
    float* const sums = first_partials_.data() + partial;
    float* const products = second_partials_.data() + partial;
    if (has_addend_) {
      kernels_.mask_and_reduce(patch_, affine_at(channel), clamp_, input.data + at, output.data + at,
                               output_gradient.data + at, sums, products);
    } else {
      kernels_.reduce(patch_, affine_at(channel), clamp_, input.data + at, output_gradient.data + at, sums,
                      products);
    }
  });
  const auto n = static_cast<double>(values_per_channel());
  for (std::size_t c = 0; c < channels_; ++c) {
    double sum = 0.0;
    double product = 0.0;
    for (std::size_t b = 0; b < samples_; ++b) {
      sum += static_cast<double>(first_partials_[b * padded_channels_ + c]);
      product += static_cast<double>(second_partials_[b * padded_channels_ + c]);
    }
    const double squared_scale = 1.0 / (variances_[c] + epsilon_);
    const auto factor = static_cast<double>(scale_[c]);
    by_deviation_[c] = static_cast<float>(-factor * squared_scale * product / n);
    constant_[c] = static_cast<float>(-factor * sum / n);
    scale[c] = static_cast<float>(product * std::sqrt(squared_scale));
    shift[c] = static_cast<float>(sum);
  }
}

// Where there was an addend, the first half has left the gradient behind the clamp.
void BatchNormalisation::input_gradient(ConstTensor input, ConstTensor output_gradient,
                                        Tensor input_gradient) {
  const kernels::Clamp clamp = has_addend_ ? kernels::Clamp{} : clamp_;
  for_each_patch([&](std::size_t at, std::size_t channel, std::size_t) {
    kernels_.apply(patch_, affine_at(channel), clamp, by_deviation_.data() + channel,
                   constant_.data() + channel, input.data + at, output_gradient.data + at,
                   input_gradient.data + at);
  });
}

}  // namespace sterna::tensor
