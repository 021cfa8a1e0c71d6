// speech-bilstm: four bidirectional LSTM layers that tell one of 32,000 phonetic states at every frame of
// speech; 30,555,648 parameters.
//
// The acoustic model for 300 hours of Switchboard in Chen et al., "ScaleCom: Scalable sparsified gradient
// compression for communication-efficient distributed training", NeurIPS 2020. Certain are its four
// bidirectional LSTM layers, from the tables there. All else is taken from the six-layer model of the same
// data and group in Zhang et al., "Distributed deep learning strategies for automatic speech recognition",
// ICASSP 2019: 260 features, 21 frames, 512 units a direction, a linear layer of 256 and 32,000 states.
#include "models/layers/fully_connected.h"
#include "models/layers/lstm.h"
#include "models/network.h"

namespace sterna::models {

std::unique_ptr<Model> make_speech_bilstm(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t frames = arguments.whole("frames", 21);
  const std::size_t features = arguments.whole("features", 260);
  const std::size_t hidden = arguments.whole("hidden", 512);
  const std::size_t layers = arguments.whole("layers", 4, 1, 64);
  const std::size_t bottleneck = arguments.whole("bottleneck", 256);
  const std::size_t states = arguments.whole("states", 32000, 2);
  const data::SampleShape sample{.input = {frames, features}, .classes = states, .labels = frames};
  return make_network(sample, use, [&](Sequential& net) {
    net.add<Lstm>("lstm", LstmOptions{.units = hidden, .layers = layers, .is_bidirectional = true});
    net.add<FullyConnected>("bottleneck", FullyConnectedOptions{.outputs = bottleneck});
    net.add<FullyConnected>("head", FullyConnectedOptions{.outputs = states});  // [B, frames, states]
  });
}

}  // namespace sterna::models
