// bert: an encoder that fills in masked symbols, or tells classes of whole texts; 132,658,746 parameters at
// default sizes.
//
// After Devlin et al., "BERT: Pre-training of deep bidirectional transformers for language understanding",
// NAACL 2019, the base model, without segments: learned positions, layer normalisation behind each residual
// connection, GELU. The head for masked symbols has a table of its own; the head for classes reads the first
// position. Symbol 0 is padding, which nobody attends to. Names of the blocks are those of PyTorch's
// nn.TransformerEncoder.
#include "models/layers/dropout.h"
#include "models/layers/embedding.h"
#include "models/layers/fully_connected.h"
#include "models/layers/fully_connected_gelu.h"
#include "models/layers/layer_norm.h"
#include "models/layers/multihead_attention.h"
#include "models/layers/patch_embedding.h"
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
    attention.add<MultiheadAttention>(
        name + ".self_attn",
        MultiheadAttentionOptions{.heads = sizes.heads, .has_padding = true, .dropout = dropout.next()});
    attention.add<Dropout>(dropout.next());
  });
  net.add<LayerNorm>(name + ".norm1");
  net.add<Residual>([&](Sequential& feed_forward) {
    feed_forward.add<FullyConnectedGelu>(name + ".linear1", sizes.hidden);
    feed_forward.add<Dropout>(dropout.next());
    feed_forward.add<FullyConnected>(name + ".linear2", FullyConnectedOptions{.outputs = sizes.features});
    feed_forward.add<Dropout>(dropout.next());
  });
  net.add<LayerNorm>(name + ".norm2");
}

}  // namespace

std::unique_ptr<Model> make_bert(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t symbols = arguments.whole("vocab", 30522, 2);
  const std::size_t positions = arguments.whole("positions", 128, 1, 1 << 14);
  const std::size_t classes = arguments.whole("classes", 0, 0);  // 0: masked symbols
  if (classes == 1)
    throw ConfigError("[models] model-arg classes = 1: must be 2 or more, or 0 for masked symbols");
  const TransformerSizes sizes = read_transformer_sizes(
      arguments, {.features = 768, .heads = 12, .layers = 12, .hidden = 3072, .dropout = 0.1});
  const bool has_classes = classes > 0;
  const data::SampleShape sample{.input = {positions},
                                 .classes = has_classes ? classes : symbols,
                                 .labels = has_classes ? 1 : positions,
                                 .symbols = symbols};
  return make_network(sample, use, [&](Sequential& net) {
    DropoutNumbers dropout(sizes.dropout);
    net.add<Embedding>(
        "embed", EmbeddingOptions{.symbols = symbols, .features = sizes.features, .initial_deviation = 0.02});
    net.add<Positions>(PositionsOptions{.learned = "pos", .initial_deviation = 0.02});
    net.add<LayerNorm>("norm");
    net.add<Dropout>(dropout.next());
    for (std::size_t layer = 0; layer < sizes.layers; ++layer) {
      add_block(net, cat("blocks.layers.", layer), sizes, dropout);
    }
    if (has_classes) {
      net.add<FirstPosition>();
      net.add<FullyConnected>("classifier", FullyConnectedOptions{.outputs = classes});
      return;
    }
    net.add<FullyConnectedGelu>("head.dense", sizes.features);
    net.add<LayerNorm>("head.norm");
    net.add<FullyConnected>("head.symbols", FullyConnectedOptions{.outputs = symbols});
  });
}

}  // namespace sterna::models
