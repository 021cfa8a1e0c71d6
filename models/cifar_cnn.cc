// cifar-cnn: three convolutions and a fully connected layer for 32 x 32 colour images; 89,578 parameters.
//
// The net for CIFAR-10 in Chen et al., "AdaComp: Adaptive residual gradient compression for data-parallel
// distributed training", AAAI 2018: 5 x 5 filters, one maximum and two means of 2 x 2.
#include "models/layers/average_pool.h"
#include "models/layers/convolution.h"
#include "models/layers/flatten.h"
#include "models/layers/fully_connected.h"
#include "models/layers/max_pool.h"
#include "models/layers/relu.h"
#include "models/network.h"

namespace sterna::models {

std::unique_ptr<Model> make_cifar_cnn(const ModelUse& use, ModelArguments&) {
  const data::SampleShape sample{.input = {3, 32, 32}, .classes = 10};
  return make_network(sample, use, [](Sequential& net) {
    const auto filters = [](std::size_t outputs, bool has_relu) {
      return ConvolutionOptions{.outputs = outputs, .kernel = 5, .padding = 2, .has_relu = has_relu};
    };
    net.add<Convolution>("conv1", filters(32, /*has_relu=*/false));  // [B, 32, 32, 32]
    net.add<MaxPool>(MaxPoolOptions{.window = 2});                   // [B, 32, 16, 16]
    net.add<Relu>();  // behind the pooling, where it costs a quarter; see layers/max_pool.h
    net.add<Convolution>("conv2", filters(32, /*has_relu=*/true));
    net.add<AveragePool>(AveragePoolOptions{.window = 2});  // [B, 32, 8, 8]
    net.add<Convolution>("conv3", filters(64, /*has_relu=*/true));
    net.add<AveragePool>(AveragePoolOptions{.window = 2});  // [B, 64, 4, 4]
    net.add<Flatten>();                                     // [B, 1024]
    net.add<FullyConnected>("fc", FullyConnectedOptions{.outputs = 10});
  });
}

}  // namespace sterna::models
