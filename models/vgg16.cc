// vgg16: torchvision's vgg16_bn with 138,365,992 parameters, and its names.
//
// Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015,
// configuration D: thirteen 3 x 3 convolutions, here each with batch normalisation, and three fully connected
// layers with dropout.
#include "models/image_arguments.h"
#include "models/layers/average_pool.h"
#include "models/layers/batch_norm.h"
#include "models/layers/convolution.h"
#include "models/layers/dropout.h"
#include "models/layers/flatten.h"
#include "models/layers/fully_connected.h"
#include "models/layers/max_pool.h"
#include "models/network.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

// Between two poolings: convolutions, and their channels as multiples of the first.
constexpr struct { std::size_t convolutions, widths; } kStages[] = {{2, 1}, {2, 2}, {3, 4}, {3, 8}, {3, 8}};

// Numbers are those of a list of modules in which each max(., 0) and each pooling has one too.
void add_features(Sequential& net, std::size_t width) {
  std::size_t number = 0;
  for (const auto& [convolutions, widths] : kStages) {
    for (std::size_t k = 0; k < convolutions; ++k, number += 3) {
      net.add<Convolution>(cat("features.", number),
                           ConvolutionOptions{.outputs = widths * width, .kernel = 3, .padding = 1});
      net.add<BatchNorm>(cat("features.", number + 1), kClampRelu);
    }
    net.add<MaxPool>(MaxPoolOptions{.window = 2});
    ++number;
  }
}

}  // namespace

std::unique_ptr<Model> make_vgg16(const ModelUse& use, ModelArguments& arguments) {
  const data::SampleShape sample = read_image_shape(arguments, {.least_image = 32});
  const std::size_t width = arguments.whole("width", 64, 1, 1024);
  const std::size_t hidden = arguments.whole("hidden", 4096);
  const double dropout = arguments.real("dropout", 0.5, 0.0, 0.99);
  return make_network(sample, use, [&](Sequential& net) {
    add_features(net, width);
    if (net.output_form().shape[2] != 7) net.add<AveragePool>(AveragePoolOptions{.outputs = 7});
    net.add<Flatten>();  // [B, 49 * 8 * width]
    net.add<FullyConnected>("classifier.0", FullyConnectedOptions{.outputs = hidden, .has_relu = true});
    net.add<Dropout>(DropoutOptions{.probability = dropout, .number = 0});
    net.add<FullyConnected>("classifier.3", FullyConnectedOptions{.outputs = hidden, .has_relu = true});
    net.add<Dropout>(DropoutOptions{.probability = dropout, .number = 1});
    net.add<FullyConnected>("classifier.6", FullyConnectedOptions{.outputs = sample.classes});
  });
}

}  // namespace sterna::models
