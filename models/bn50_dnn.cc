// bn50-dnn: six fully connected layers that tell 5999 phonetic states from 440 features of speech; 10,798,959
// parameters.
//
// The acoustic model for the 50 hours of Broadcast News in Chen et al., "AdaComp: Adaptive residual gradient
// compression for data-parallel distributed training", AAAI 2018; here with max(., 0) between the layers.
#include "models/layers/fully_connected.h"
#include "models/network.h"
#include "runtime/core/errors.h"

namespace sterna::models {

std::unique_ptr<Model> make_bn50_dnn(std::size_t batch_samples, ModelArguments&) {
  const data::SampleShape sample{.input = {440}, .classes = 5999};
  return make_network(sample, batch_samples, [](Sequential& net) {
    // PyTorch's nn.Sequential counts the ReLUs between the layers too, so names go up in twos.
    for (int layer = 0; layer < 5; ++layer) {
      net.add<FullyConnected>(cat(2 * layer), FullyConnectedOptions{.outputs = 1024, .has_relu = true});
    }
    net.add<FullyConnected>("10", FullyConnectedOptions{.outputs = 5999});
  });
}

}  // namespace sterna::models
