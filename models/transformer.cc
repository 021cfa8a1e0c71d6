// transformer: encoder and decoder for translation; 101,009,544 parameters at default sizes.
//
// Vaswani et al., "Attention is all you need", NeurIPS 2017, the base model: layer normalisation behind each
// residual connection, sines for positions. Names are those of PyTorch's nn.Transformer. The two embeddings
// and the output layer are three tables; the paper shares one.
//
// A sample's symbols are the source, padded with 0, and then the target shifted by one (begin of sentence
// first); its labels are the target (end of sentence last), kNoLabel where there is none.
#include <cmath>

#include "models/layers/dropout.h"
#include "models/layers/embedding.h"
#include "models/layers/encoder_decoder.h"
#include "models/layers/fully_connected.h"
#include "models/layers/layer_norm.h"
#include "models/layers/positions.h"
#include "models/layers/residual.h"
#include "models/network.h"
#include "models/transformer_arguments.h"
#include "models/transformer_generator.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

struct Part {
  TransformerSizes sizes;
  std::size_t symbols;
  std::size_t first;  // of the positions of a sample
  std::size_t count;
};

void add_attention(Sequential& net, const std::string& name, MultiheadAttentionOptions options,
                   DropoutNumbers& dropout) {
  net.add<Residual>([&](Sequential& inner) {
    options.dropout = dropout.next();
    inner.add<MultiheadAttention>(name, options);
    inner.add<Dropout>(dropout.next());
  });
}

void add_feed_forward(Sequential& net, const std::string& name, const TransformerSizes& sizes,
                      DropoutNumbers& dropout) {
  net.add<Residual>([&](Sequential& inner) {
    inner.add<FullyConnected>(name + ".linear1",
                              FullyConnectedOptions{.outputs = sizes.hidden, .has_relu = true});
    inner.add<Dropout>(dropout.next());
    inner.add<FullyConnected>(name + ".linear2", FullyConnectedOptions{.outputs = sizes.features});
    inner.add<Dropout>(dropout.next());
  });
}

void add_embedding(Sequential& net, const std::string& name, const Part& part, DropoutNumbers& dropout) {
  // Scaled by sqrt(d) they start like the sines, within +-1.
  const double root = std::sqrt(static_cast<double>(part.sizes.features));
  net.add<Embedding>(name, EmbeddingOptions{.symbols = part.symbols,
                                            .features = part.sizes.features,
                                            .first = part.first,
                                            .count = part.count,
                                            .initial_deviation = 1.0 / root});
  net.add<Positions>(PositionsOptions{.scale = root});
  net.add<Dropout>(dropout.next());
}

void add_encoder(Sequential& net, const Part& part, DropoutNumbers& dropout) {
  add_embedding(net, "src_embed", part, dropout);
  for (std::size_t layer = 0; layer < part.sizes.layers; ++layer) {
    const std::string name = cat("encoder.layers.", layer);
    add_attention(net, name + ".self_attn",
                  {.heads = part.sizes.heads, .has_padding = true, .first_symbol = part.first}, dropout);
    net.add<LayerNorm>(name + ".norm1");
    add_feed_forward(net, name, part.sizes, dropout);
    net.add<LayerNorm>(name + ".norm2");
  }
  net.add<LayerNorm>("encoder.norm");
}

// Padding of the target needs no mask: it comes last, and no label depends on it.
void add_decoder(Sequential& net, const Part& part, AttendedMemory& memory, DropoutNumbers& dropout) {
  add_embedding(net, "tgt_embed", part, dropout);
  for (std::size_t layer = 0; layer < part.sizes.layers; ++layer) {
    const std::string name = cat("decoder.layers.", layer);
    add_attention(net, name + ".self_attn", {.heads = part.sizes.heads, .is_causal = true}, dropout);
    net.add<LayerNorm>(name + ".norm1");
    add_attention(net, name + ".multihead_attn",
                  {.heads = part.sizes.heads, .memory = &memory, .has_padding = true, .first_symbol = 0},
                  dropout);
    net.add<LayerNorm>(name + ".norm2");
    add_feed_forward(net, name, part.sizes, dropout);
    net.add<LayerNorm>(name + ".norm3");
  }
  net.add<LayerNorm>("decoder.norm");
}

}  // namespace

std::unique_ptr<Model> make_transformer(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t symbols = arguments.whole("vocab", 37000, 2);
  const std::size_t source = arguments.whole("source", 64, 1, 1 << 14);
  const std::size_t target = arguments.whole("target", 64, 1, 1 << 14);
  const TransformerSizes sizes = read_transformer_sizes(
      arguments, {.features = 512, .heads = 8, .layers = 6, .hidden = 2048, .dropout = 0.1});
  const double smoothing = arguments.real("smoothing", 0.1, 0.0, 1.0);
  const data::SampleShape sample{
      .input = {source + target}, .classes = symbols, .labels = target, .symbols = symbols};
  const AddLayers add_layers = [&](Sequential& net) {
    DropoutNumbers dropout(sizes.dropout);
    net.add<EncoderDecoder>(
        [&](Sequential& encoder) {
          add_encoder(encoder, {sizes, symbols, 0, source}, dropout);
        },
        [&](Sequential& decoder, AttendedMemory& memory) {
          add_decoder(decoder, {sizes, symbols, source, target}, memory, dropout);
        });
    net.add<FullyConnected>("head", FullyConnectedOptions{.outputs = symbols});
  };
  const MakeGenerator make_generator = [=](const GeneratorShape& shape, const tensor::ParameterTable& table) {
    const AddLayers add = [=](Sequential& net) {
      DropoutNumbers none(0.0);
      add_encoder(net, {sizes, symbols, 0, source}, none);
    };
    return make_transformer_generator(
        {.sizes = sizes, .symbols = symbols, .source_positions = source, .target_positions = target}, shape,
        table, add);
  };
  return make_network(sample, use, add_layers, smoothing, make_generator);
}

}  // namespace sterna::models
