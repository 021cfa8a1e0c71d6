#pragma once

#include "runtime/tensor/cuda/instances/extents.h"
#include "runtime/tensor/cuda/kernels/dropout.h"
#include "runtime/tensor/cuda/kernels/elementwise.h"
#include "runtime/tensor/cuda/kernels/layer_norm.h"
#include "runtime/tensor/cuda/kernels/optimizers.h"

namespace sterna::tensor::cuda {

void enqueue_relu(Launcher& launch, std::span<const float> input, std::span<float> output) {
  STERNA_CHECK(input.size() == output.size());
  launch(Relu{}, list_blocks(input.size()), input.data(), checked_extent(input.size()), output.data());
}

void enqueue_relu_mask(Launcher& launch, std::span<const float> output, std::span<float> gradient) {
  STERNA_CHECK(output.size() == gradient.size());
  launch(MaskReluGradient{}, list_blocks(output.size()), output.data(), checked_extent(output.size()),
         gradient.data());
}

void enqueue_add(Launcher& launch, std::span<const float> a, std::span<const float> b, std::span<float> sum) {
  STERNA_CHECK(a.size() == sum.size());
  STERNA_CHECK(b.size() == sum.size());
  launch(Add{}, list_blocks(sum.size()), a.data(), b.data(), checked_extent(sum.size()), sum.data());
}

void enqueue_multiply(Launcher& launch, std::span<const float> by, std::span<float> to) {
  STERNA_CHECK(by.size() == to.size());
  launch(Multiply{}, list_blocks(to.size()), by.data(), checked_extent(to.size()), to.data());
}

void enqueue_scale(Launcher& launch, float factor, std::span<float> values) {
  launch(Scale{}, list_blocks(values.size()), factor, checked_extent(values.size()), values.data());
}

void enqueue_gelu(Launcher& launch, std::span<const float> bias, std::span<float> rows,
                  std::span<float> output) {
  STERNA_CHECK(rows.size() == output.size());
  STERNA_CHECK((rows.size() % bias.size()) == 0u);
  launch(GeluForward{}, list_blocks(rows.size()), bias.data(), checked_extent(rows.size()),
         checked_extent(bias.size()), rows.data(), output.data());
}

void enqueue_bias(Launcher& launch, const BiasPlace& place, std::span<const float> bias,
                  std::span<float> to) {
  STERNA_CHECK((to.size() % (bias.size() * place.inner)) == 0u);
  launch(AddBias{}, list_blocks(to.size()), bias.data(), checked_extent(place.inner),
         checked_extent(bias.size()), place.has_relu, checked_extent(to.size()), to.data());
}

void enqueue_keep_bits(Launcher& launch, const kernels::KeepRule& rule, std::span<std::uint32_t> bits) {
  launch(DrawKeepBits{}, list_blocks(bits.size()), rule, checked_extent(bits.size()), bits.data());
}

void enqueue_keep(Launcher& launch, std::span<const std::uint32_t> bits, float scale,
                  std::span<const float> input, std::span<float> output) {
  STERNA_CHECK(input.size() == output.size());
  STERNA_CHECK((32 * bits.size()) >= input.size());
  launch(Keep{}, list_blocks(input.size()), input.data(), bits.data(), scale, checked_extent(input.size()),
         output.data());
}

void enqueue_sgd(Launcher& launch, const SgdFactors& factors, std::span<const float> gradient,
                 std::span<float> velocity, std::span<float> parameters) {
  STERNA_CHECK(gradient.size() == parameters.size());
  STERNA_CHECK((velocity.empty() || velocity.size() == parameters.size()) == true);
  launch(SgdUpdate{}, list_blocks(parameters.size()), gradient.data(), factors,
         checked_extent(parameters.size()), velocity.empty() ? nullptr : velocity.data(), parameters.data());
}

void enqueue_adam(Launcher& launch, const AdamFactors& factors, std::span<const float> gradient,
                  std::span<float> first, std::span<float> second, std::span<float> parameters) {
  STERNA_CHECK(gradient.size() == parameters.size());
  STERNA_CHECK(first.size() == parameters.size());
  STERNA_CHECK(second.size() == parameters.size());
  launch(AdamUpdate{}, list_blocks(parameters.size()), gradient.data(), factors,
         checked_extent(parameters.size()), first.data(), second.data(), parameters.data());
}

}  // namespace sterna::tensor::cuda
