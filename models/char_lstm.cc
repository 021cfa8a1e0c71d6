// char-lstm: an embedding, two LSTM layers of 512 units and a fully connected layer that tell the next
// character of a text at every position; 4,269,121 parameters.
//
// In the manner of the character model on Shakespeare in Chen et al., "AdaComp: Adaptive residual gradient
// compression for data-parallel distributed training", AAAI 2018, which has 67 characters.
#include "models/layers/embedding.h"
#include "models/layers/fully_connected.h"
#include "models/layers/lstm.h"
#include "models/network.h"

namespace sterna::models {

std::unique_ptr<Model> make_char_lstm(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t positions = arguments.whole("positions", 50);
  const std::size_t symbols = arguments.whole("symbols", 65, 2);
  const std::size_t hidden = arguments.whole("hidden", 512);
  const std::size_t layers = arguments.whole("layers", 2, 1, 64);
  const data::SampleShape sample{
      .input = {positions}, .classes = symbols, .labels = positions, .symbols = symbols};
  return make_network(sample, use, [&](Sequential& net) {
    net.add<Embedding>("embed", EmbeddingOptions{.symbols = symbols, .features = hidden});  // [B, T, hidden]
    net.add<Lstm>("lstm", LstmOptions{.units = hidden, .layers = layers});                  // [B, T, hidden]
    net.add<FullyConnected>("head", FullyConnectedOptions{.outputs = symbols});             // [B, T, symbols]
  });
}

}  // namespace sterna::models
