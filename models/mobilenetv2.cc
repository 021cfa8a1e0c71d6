// mobilenetv2: torchvision's mobilenet_v2 with 3,504,872 parameters, and its names; and mobilenetv2-cifar for
// 32 x 32 images, 2,236,682 parameters.
//
// Sandler et al., "MobileNetV2: Inverted residuals and linear bottlenecks", CVPR 2018, table 2: blocks that
// widen by a 1 x 1 convolution, filter each channel on its own, and narrow without a clamp; ReLU6 elsewhere.
// For 32 x 32 images the first two halvings are left out, so that 4 x 4 places remain at the end.
#include <algorithm>
#include <cstddef>
#include <string>

#include "models/image_arguments.h"
#include "models/layers/average_pool.h"
#include "models/layers/batch_norm.h"
#include "models/layers/convolution.h"
#include "models/layers/dropout.h"
#include "models/layers/fully_connected.h"
#include "models/layers/residual_block.h"
#include "models/network.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

struct Stage {
  std::size_t expansion, outputs, blocks, stride;  // t, c, n, s of table 2
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

// The nearest multiple of 8, at least 8, and no more than a tenth below.
std::size_t rounded_channels(double channels) {
  const auto nearest = static_cast<std::size_t>(channels + 4.0) / 8 * 8;
  const std::size_t rounded = std::max<std::size_t>(nearest, 8);
  return static_cast<double>(rounded) < 0.9 * channels ? rounded + 8 : rounded;
}

ConvolutionOptions pointwise(std::size_t outputs) {
  return {.outputs = outputs, .kernel = 1, .has_bias = false};
}

// Convolution, normalisation and ReLU6 under one name.
void add_unit(Sequential& net, const std::string& name, const ConvolutionOptions& options) {
  net.add<Convolution>(name + ".0", options);
  net.add<BatchNorm>(name + ".1", kClampRelu6);
}

struct Block {
  std::string name;
  std::size_t expansion, outputs, stride;
};

// All of an inverted residual but the normalisation at its end; returns the number behind its name.
std::size_t add_branch(Sequential& branch, const Block& block) {
  const std::size_t hidden = branch.output_form().shape[1] * block.expansion;
  std::size_t number = 0;
  const auto next_name = [&] { return cat(block.name, ".conv.", number++); };
  if (block.expansion != 1) add_unit(branch, next_name(), pointwise(hidden));
  add_unit(branch, next_name(),
           {.outputs = hidden,
            .kernel = 3,
            .stride = block.stride,
            .padding = 1,
            .groups = hidden,
            .has_bias = false});
  branch.add<Convolution>(next_name(), pointwise(block.outputs));
  return number;
}

void add_block(Sequential& net, const Block& block) {
  if (block.stride != 1 || net.output_form().shape[1] != block.outputs) {
    const std::size_t number = add_branch(net, block);
    net.add<BatchNorm>(cat(block.name, ".conv.", number), kNoClamp);
    return;
  }
  net.add<ResidualBlock>(
      ResidualBlockOptions{.add_branch = [&](Sequential& branch) { (void)add_branch(branch, block); },
                           .normalisation = block.name + (block.expansion == 1 ? ".conv.2" : ".conv.3"),
                           .add_shortcut = nullptr,
                           .clamp = kNoClamp});
}

// `halvings_left_out` counts from the first convolution on.
std::unique_ptr<Model> make_mobilenet(const ModelUse& use, ModelArguments& arguments, const ImageSizes& sizes,
                                      std::size_t halvings_left_out) {
  const data::SampleShape sample = read_image_shape(arguments, sizes);
  const double width = arguments.real("width", 1.0, 0.05, 8.0);
  const double dropout = arguments.real("dropout", 0.2, 0.0, 0.99);
  return make_network(sample, use, [&](Sequential& net) {
    std::size_t left_out = 0;
    const auto stride_of = [&](std::size_t stride) -> std::size_t {
      return stride == 2 && left_out++ < halvings_left_out ? 1 : stride;
    };
    add_unit(net, "features.0",
             {.outputs = rounded_channels(32.0 * width),
              .kernel = 3,
              .stride = stride_of(2),
              .padding = 1,
              .has_bias = false});
    std::size_t number = 1;
    for (const Stage& stage : kStages) {
      const std::size_t stride = stride_of(stage.stride);
      for (std::size_t k = 0; k < stage.blocks; ++k, ++number) {
        add_block(net, {.name = cat("features.", number),
                        .expansion = stage.expansion,
                        .outputs = rounded_channels(static_cast<double>(stage.outputs) * width),
                        .stride = k == 0 ? stride : 1});
      }
    }
    add_unit(net, cat("features.", number), pointwise(rounded_channels(1280.0 * std::max(width, 1.0))));
    net.add<AveragePool>(AveragePoolOptions{});  // [B, channels]
    net.add<Dropout>(DropoutOptions{.probability = dropout});
    net.add<FullyConnected>("classifier.1", FullyConnectedOptions{.outputs = sample.classes});
  });
}

}  // namespace

std::unique_ptr<Model> make_mobilenetv2(const ModelUse& use, ModelArguments& arguments) {
  return make_mobilenet(use, arguments, {}, /*halvings_left_out=*/0);
}

std::unique_ptr<Model> make_mobilenetv2_cifar(const ModelUse& use, ModelArguments& arguments) {
  return make_mobilenet(use, arguments, {.image = 32, .classes = 10}, /*halvings_left_out=*/2);
}

}  // namespace sterna::models
