// bn50-dnn: six fully connected layers that tell 5999 phonetic states from 440 features of speech; 10,798,959
// parameters.
//
// The acoustic model for the 50 hours of Broadcast News in Chen et al., "AdaComp: Adaptive residual gradient
// compression for data-parallel distributed training", AAAI 2018; here with max(., 0) between the layers.
// With frames=N a sample is N frames of so many features, read one after the other: frames=64 features=40
// for fsdd.
#include "models/layers/flatten.h"
#include "models/layers/fully_connected.h"
#include "models/network.h"
#include "runtime/core/errors.h"

namespace sterna::models {

std::unique_ptr<Model> make_bn50_dnn(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t frames = arguments.whole("frames", 1);
  const std::size_t features = arguments.whole("features", 440);
  const std::size_t hidden = arguments.whole("hidden", 1024);
  const std::size_t classes = arguments.whole("classes", 5999, 2);
  data::SampleShape sample{.input = {features}, .classes = classes};
  if (frames > 1) sample.input = {frames, features};
  return make_network(sample, use, [&](Sequential& net) {
    if (frames > 1) net.add<Flatten>();
    // PyTorch's nn.Sequential counts the ReLUs between the layers too, so names go up in twos.
    for (int layer = 0; layer < 5; ++layer) {
      net.add<FullyConnected>(cat(2 * layer), FullyConnectedOptions{.outputs = hidden, .has_relu = true});
    }
    net.add<FullyConnected>("10", FullyConnectedOptions{.outputs = classes});
  });
}

}  // namespace sterna::models
