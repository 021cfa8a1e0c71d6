// gpt: a decoder-only transformer that predicts the next symbol of a text; 3,225,153 parameters at default
// sizes.
//
// After Radford et al., "Language models are unsupervised multitask learners", 2019: layer normalisation
// before attention and before the two fully connected layers, GELU, learned positions; but without that
// paper's last layer normalisation, behind the blocks. Names are those of PyTorch's nn.TransformerEncoder.
#include "models/layers/dropout.h"
#include "models/layers/embedding.h"
#include "models/layers/fully_connected.h"
#include "models/layers/fully_connected_gelu.h"
#include "models/layers/layer_norm.h"
#include "models/layers/multihead_attention.h"
#include "models/layers/positions.h"
#include "models/layers/residual.h"
#include "models/network.h"
#include "models/transformer_arguments.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

void add_block(Sequential& net, const std::string& name, const TransformerSizes& sizes,
               DropoutNumbers& dropout) {
  net.add<Residual>([&](Sequential& attention) {
    attention.add<LayerNorm>(name + ".norm1");
    attention.add<MultiheadAttention>(
        name + ".self_attn",
        MultiheadAttentionOptions{.heads = sizes.heads, .is_causal = true, .dropout = dropout.next()});
    attention.add<Dropout>(dropout.next());
  });
  net.add<Residual>([&](Sequential& feed_forward) {
    feed_forward.add<LayerNorm>(name + ".norm2");
    feed_forward.add<FullyConnectedGelu>(name + ".linear1", sizes.hidden);
    feed_forward.add<Dropout>(dropout.next());
    feed_forward.add<FullyConnected>(name + ".linear2", FullyConnectedOptions{.outputs = sizes.features});
    feed_forward.add<Dropout>(dropout.next());
  });
}

}  // namespace

std::unique_ptr<Model> make_gpt(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t symbols = arguments.whole("vocab", 65, 2);
  const std::size_t positions = arguments.whole("positions", 128, 1, 1 << 16);
  const TransformerSizes sizes =
      read_transformer_sizes(arguments, {.features = 256, .heads = 4, .layers = 4, .hidden = 1024});
  const data::SampleShape sample{
      .input = {positions}, .classes = symbols, .labels = positions, .symbols = symbols};
  return make_network(sample, use, [&](Sequential& net) {
    DropoutNumbers dropout(sizes.dropout);
    net.add<Embedding>("embed", EmbeddingOptions{.symbols = symbols, .features = sizes.features});
    net.add<Positions>(PositionsOptions{.learned = "pos"});
    for (std::size_t layer = 0; layer < sizes.layers; ++layer) {
      add_block(net, cat("blocks.layers.", layer), sizes, dropout);
    }
    net.add<FullyConnected>("head", FullyConnectedOptions{.outputs = symbols});
  });
}

}  // namespace sterna::models
