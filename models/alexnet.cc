// alexnet: torchvision's alexnet with 61,100,840 parameters, and its names.
//
// Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014: five convolutions in
// one column, three poolings whose windows overlap, and three fully connected layers with dropout.
#include "models/image_arguments.h"
#include "models/layers/average_pool.h"
#include "models/layers/convolution.h"
#include "models/layers/dropout.h"
#include "models/layers/flatten.h"
#include "models/layers/fully_connected.h"
#include "models/layers/max_pool.h"
#include "models/layers/relu.h"
#include "models/network.h"

namespace sterna::models {
namespace {

// The maxima of overlapping windows, and max(., 0) behind them, where it costs a quarter; see max_pool.h.
void add_pooling(Sequential& net) {
  net.add<MaxPool>(MaxPoolOptions{.window = 3, .stride = 2});
  net.add<Relu>();
}

ConvolutionOptions filters(std::size_t outputs, std::size_t kernel, bool has_relu) {
  return {.outputs = outputs, .kernel = kernel, .padding = kernel / 2, .has_relu = has_relu};
}

void add_features(Sequential& net, std::size_t width) {
  net.add<Convolution>("features.0",
                       ConvolutionOptions{.outputs = width, .kernel = 11, .stride = 4, .padding = 2});
  add_pooling(net);
  net.add<Convolution>("features.3", filters(3 * width, 5, /*has_relu=*/false));
  add_pooling(net);
  net.add<Convolution>("features.6", filters(6 * width, 3, /*has_relu=*/true));
  net.add<Convolution>("features.8", filters(4 * width, 3, /*has_relu=*/true));
  net.add<Convolution>("features.10", filters(4 * width, 3, /*has_relu=*/false));
  add_pooling(net);
}

}  // namespace

std::unique_ptr<Model> make_alexnet(const ModelUse& use, ModelArguments& arguments) {
  const data::SampleShape sample = read_image_shape(arguments, {.least_image = 63});
  const std::size_t width = arguments.whole("width", 64, 1, 1024);
  const std::size_t hidden = arguments.whole("hidden", 4096);
  const double dropout = arguments.real("dropout", 0.5, 0.0, 0.99);
  return make_network(sample, use, [&](Sequential& net) {
    add_features(net, width);
    if (net.output_form().shape[2] != 6) net.add<AveragePool>(AveragePoolOptions{.outputs = 6});
    net.add<Flatten>();  // [B, 36 * 4 * width]
    net.add<Dropout>(DropoutOptions{.probability = dropout, .number = 0});
    net.add<FullyConnected>("classifier.1", FullyConnectedOptions{.outputs = hidden, .has_relu = true});
    net.add<Dropout>(DropoutOptions{.probability = dropout, .number = 1});
    net.add<FullyConnected>("classifier.4", FullyConnectedOptions{.outputs = hidden, .has_relu = true});
    net.add<FullyConnected>("classifier.6", FullyConnectedOptions{.outputs = sample.classes});
  });
}

}  // namespace sterna::models
