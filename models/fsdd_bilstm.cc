// fsdd-bilstm: two bidirectional LSTM layers of 128 units that tell which digit a recording says, from the
// mean over its frames; 571,914 parameters.
//
// A small sibling of speech-bilstm for the Free Spoken Digit Dataset: 64 frames of 40 mel bands, logarithms
// of energies, with zeros where a recording is shorter.
#include "models/layers/fully_connected.h"
#include "models/layers/lstm.h"
#include "models/layers/mean_over_positions.h"
#include "models/network.h"

namespace sterna::models {

std::unique_ptr<Model> make_fsdd_bilstm(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t frames = arguments.whole("frames", 64);
  const std::size_t features = arguments.whole("features", 40);
  const std::size_t hidden = arguments.whole("hidden", 128);
  const std::size_t layers = arguments.whole("layers", 2, 1, 64);
  const data::SampleShape sample{.input = {frames, features}, .classes = 10};
  return make_network(sample, use, [&](Sequential& net) {
    net.add<Lstm>("lstm", LstmOptions{.units = hidden, .layers = layers, .is_bidirectional = true});
    net.add<MeanOverPositions>();  // [B, 2 hidden]
    net.add<FullyConnected>("head", FullyConnectedOptions{.outputs = 10});
  });
}

}  // namespace sterna::models
