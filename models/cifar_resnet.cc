// resnet20 and resnet34-cifar: residual networks for 32 x 32 colour images; 272,474 and 21,282,122
// parameters.
//
// He et al., "Deep residual learning for image recognition", CVPR 2016: section 4.2 for the first, whose
// shortcuts are projections (option B) where the shape changes; the stages of the 34-layer net of table 1,
// behind a 3 x 3 convolution as small images want it, for the second.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "models/layers/average_pool.h"
#include "models/layers/batch_norm.h"
#include "models/layers/convolution.h"
#include "models/layers/fully_connected.h"
#include "models/layers/residual_block.h"
#include "models/network.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

ConvolutionOptions filters(std::size_t outputs, std::size_t kernel, std::size_t stride) {
  return {.outputs = outputs, .kernel = kernel, .stride = stride, .padding = kernel / 2, .has_bias = false};
}

void add_block(Sequential& net, const std::string& name, std::size_t width, std::size_t stride) {
  ResidualBlockOptions block{.add_branch =
                                 [&](Sequential& branch) {
                                   branch.add<Convolution>(name + ".conv1", filters(width, 3, stride));
                                   branch.add<BatchNorm>(name + ".bn1", kClampRelu);
                                   branch.add<Convolution>(name + ".conv2", filters(width, 3, 1));
                                 },
                             .normalisation = name + ".bn2",
                             .add_shortcut = nullptr};
  if (stride != 1 || net.output_form().shape[1] != width) {
    block.add_shortcut = [&](Sequential& shortcut) {
      shortcut.add<Convolution>(name + ".shortcut.0", filters(width, 1, stride));
      shortcut.add<BatchNorm>(name + ".shortcut.1", kNoClamp);
    };
  }
  net.add<ResidualBlock>(block);
}

// Stages of `blocks[stage]` blocks; each stage after the first halves the image and doubles the channels.
std::unique_ptr<Model> make_resnet(const ModelUse& use, std::size_t width,
                                   std::span<const std::size_t> blocks) {
  const data::SampleShape sample{.input = {3, 32, 32}, .classes = 10};
  return make_network(sample, use, [&](Sequential& net) {
    net.add<Convolution>("stem", filters(width, 3, 1));
    net.add<BatchNorm>("bn", kClampRelu);
    std::size_t number = 0;
    for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
      for (std::size_t k = 0; k < blocks[stage]; ++k, ++number) {
        add_block(net, cat("blocks.", number), width << stage, stage > 0 && k == 0 ? 2 : 1);
      }
    }
    net.add<AveragePool>(AveragePoolOptions{});  // [B, channels]
    net.add<FullyConnected>("fc", FullyConnectedOptions{.outputs = sample.classes});
  });
}

}  // namespace

std::unique_ptr<Model> make_resnet20(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t depth = arguments.whole("depth", 20, 8, 1202);
  if (depth % 6 != 2) {
    throw ConfigError(cat("[models] depth = ", depth, ": must be 6 n + 2; try 20, 32, 44, 56 or 110"));
  }
  const std::size_t width = arguments.whole("width", 16, 1, 1024);
  const std::vector<std::size_t> blocks(3, (depth - 2) / 6);
  return make_resnet(use, width, blocks);
}

std::unique_ptr<Model> make_resnet34_cifar(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t blocks[] = {3, 4, 6, 3};
  return make_resnet(use, arguments.whole("width", 64, 1, 1024), blocks);
}

}  // namespace sterna::models
