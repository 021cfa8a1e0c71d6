// resnet18, resnet34, resnet50: residual networks for 224 x 224 colour images, torchvision's of these names;
// 11,689,512, 21,797,672 and 25,557,032 parameters.
//
// He et al., "Deep residual learning for image recognition", CVPR 2016, table 1. In the bottlenecks of
// resnet50 it is the 3 x 3 convolution that halves the image ("v1.5"), not the first one.
#include <cstddef>
#include <span>
#include <string>

#include "models/image_arguments.h"
#include "models/layers/average_pool.h"
#include "models/layers/batch_norm.h"
#include "models/layers/convolution.h"
#include "models/layers/fully_connected.h"
#include "models/layers/max_pool.h"
#include "models/layers/residual_block.h"
#include "models/network.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

ConvolutionOptions filters(std::size_t outputs, std::size_t kernel, std::size_t stride = 1) {
  return {.outputs = outputs, .kernel = kernel, .stride = stride, .padding = kernel / 2, .has_bias = false};
}

struct Block {
  std::string name;
  std::size_t width;
  std::size_t stride;
  bool is_bottleneck;

  [[nodiscard]] std::size_t outputs() const { return is_bottleneck ? 4 * width : width; }
};

// All of the branch but the normalisation at its end.
void add_branch(Sequential& branch, const Block& block) {
  const std::string& name = block.name;
  branch.add<Convolution>(
      name + ".conv1", block.is_bottleneck ? filters(block.width, 1) : filters(block.width, 3, block.stride));
  branch.add<BatchNorm>(name + ".bn1", kClampRelu);
  branch.add<Convolution>(name + ".conv2", filters(block.width, 3, block.is_bottleneck ? block.stride : 1));
  if (!block.is_bottleneck) return;
  branch.add<BatchNorm>(name + ".bn2", kClampRelu);
  branch.add<Convolution>(name + ".conv3", filters(block.outputs(), 1));
}

void add_block(Sequential& net, const Block& block) {
  ResidualBlockOptions options{.add_branch = [&](Sequential& branch) { add_branch(branch, block); },
                               .normalisation = block.name + (block.is_bottleneck ? ".bn3" : ".bn2"),
                               .add_shortcut = nullptr};
  if (block.stride != 1 || net.output_form().shape[1] != block.outputs()) {
    options.add_shortcut = [&](Sequential& shortcut) {
      shortcut.add<Convolution>(block.name + ".downsample.0", filters(block.outputs(), 1, block.stride));
      shortcut.add<BatchNorm>(block.name + ".downsample.1", kNoClamp);
    };
  }
  net.add<ResidualBlock>(options);
}

std::unique_ptr<Model> make_resnet(const ModelUse& use, ModelArguments& arguments,
                                   std::span<const std::size_t> blocks, bool is_bottleneck) {
  const data::SampleShape sample = read_image_shape(arguments, {});
  const std::size_t width = arguments.whole("width", 64, 1, 1024);
  return make_network(sample, use, [&](Sequential& net) {
    net.add<Convolution>("conv1", filters(width, 7, 2));
    net.add<BatchNorm>("bn1", kClampRelu);
    net.add<MaxPool>(MaxPoolOptions{.window = 3, .stride = 2, .padding = 1});
    for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
      for (std::size_t k = 0; k < blocks[stage]; ++k) {
        add_block(net, {.name = cat("layer", stage + 1, ".", k),
                        .width = width << stage,
                        .stride = stage > 0 && k == 0 ? std::size_t{2} : std::size_t{1},
                        .is_bottleneck = is_bottleneck});
      }
    }
    net.add<AveragePool>(AveragePoolOptions{});  // [B, channels]
    net.add<FullyConnected>("fc", FullyConnectedOptions{.outputs = sample.classes});
  });
}

}  // namespace

std::unique_ptr<Model> make_resnet18(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t blocks[] = {2, 2, 2, 2};
  return make_resnet(use, arguments, blocks, /*is_bottleneck=*/false);
}

std::unique_ptr<Model> make_resnet34(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t blocks[] = {3, 4, 6, 3};
  return make_resnet(use, arguments, blocks, /*is_bottleneck=*/false);
}

std::unique_ptr<Model> make_resnet50(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t blocks[] = {3, 4, 6, 3};
  return make_resnet(use, arguments, blocks, /*is_bottleneck=*/true);
}

}  // namespace sterna::models
