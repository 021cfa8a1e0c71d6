// lenet: two convolutions and two fully connected layers for 28 x 28 grey images; 582,026 parameters.
//
// In the manner of LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", Proc.
// IEEE 1998), with 32 and 64 filters, max-pooling and max(., 0).
#include "models/layers/convolution.h"
#include "models/layers/flatten.h"
#include "models/layers/fully_connected.h"
#include "models/layers/max_pool.h"
#include "models/layers/relu.h"
#include "models/network.h"

namespace sterna::models {

std::unique_ptr<Model> make_lenet(const ModelUse& use, ModelArguments&) {
  const data::SampleShape sample{.input = {1, 28, 28}, .classes = 10};
  return make_network(sample, use, [](Sequential& net) {
    net.add<Convolution>("conv1", ConvolutionOptions{.outputs = 32, .kernel = 5});  // [B, 32, 24, 24]
    net.add<MaxPool>(MaxPoolOptions{.window = 2});                                  // [B, 32, 12, 12]
    net.add<Relu>();  // behind the pooling, where it costs a quarter; see layers/max_pool.h
    net.add<Convolution>("conv2", ConvolutionOptions{.outputs = 64, .kernel = 5});  // [B, 64, 8, 8]
    net.add<MaxPool>(MaxPoolOptions{.window = 2});                                  // [B, 64, 4, 4]
    net.add<Relu>();
    net.add<Flatten>();  // [B, 1024]
    net.add<FullyConnected>("fc1", FullyConnectedOptions{.outputs = 512, .has_relu = true});
    net.add<FullyConnected>("fc2", FullyConnectedOptions{.outputs = 10});
  });
}

}  // namespace sterna::models
