// vit: a vision transformer; at default sizes torchvision's vit_b_16 with 86,567,656 parameters, and its
// names.
//
// Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021: patches and a class token with learned
// positions, layer normalisation before attention and before the two fully connected layers, GELU.
// Probabilities of attention are not dropped: in torchvision that is an option of its own, 0 unless it is
// set.
#include "models/layers/dropout.h"
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

constexpr LayerNormOptions kNorm{.epsilon = 1e-6};

void add_block(Sequential& net, const std::string& name, const TransformerSizes& sizes,
               DropoutNumbers& dropout) {
  net.add<Residual>([&](Sequential& attention) {
    attention.add<LayerNorm>(name + ".ln_1", kNorm);
    attention.add<MultiheadAttention>(name + ".self_attention",
                                      MultiheadAttentionOptions{.heads = sizes.heads});
    attention.add<Dropout>(dropout.next());
  });
  net.add<Residual>([&](Sequential& feed_forward) {
    feed_forward.add<LayerNorm>(name + ".ln_2", kNorm);
    feed_forward.add<FullyConnectedGelu>(name + ".mlp.0", sizes.hidden);
    feed_forward.add<Dropout>(dropout.next());
    feed_forward.add<FullyConnected>(name + ".mlp.3", FullyConnectedOptions{.outputs = sizes.features});
    feed_forward.add<Dropout>(dropout.next());
  });
}

}  // namespace

std::unique_ptr<Model> make_vit(const ModelUse& use, ModelArguments& arguments) {
  const std::size_t image = arguments.whole("image", 224, 1, 1 << 12);
  const std::size_t channels = arguments.whole("channels", 3, 1, 1 << 10);
  const std::size_t patch = arguments.whole("patch", 16, 1, 1 << 10);
  const std::size_t classes = arguments.whole("classes", 1000, 2);
  const TransformerSizes sizes =
      read_transformer_sizes(arguments, {.features = 768, .heads = 12, .layers = 12, .hidden = 3072});
  if (image % patch != 0) {
    throw ConfigError(cat("[models] model-arg patch = ", patch, ": must divide image = ", image,
                          "; try another of the two"));
  }
  const data::SampleShape sample{.input = {channels, image, image}, .classes = classes};
  return make_network(sample, use, [&](Sequential& net) {
    DropoutNumbers dropout(sizes.dropout);
    net.add<PatchEmbedding>("conv_proj", PatchEmbeddingOptions{.patch = patch, .features = sizes.features});
    net.add<Positions>(
        PositionsOptions{.learned = "encoder.pos_embedding", .is_batched = true, .initial_deviation = 0.02});
    net.add<Dropout>(dropout.next());
    for (std::size_t layer = 0; layer < sizes.layers; ++layer) {
      add_block(net, cat("encoder.layers.encoder_layer_", layer), sizes, dropout);
    }
    // Rows are normalised one by one, so the one that is looked at will do.
    net.add<FirstPosition>();
    net.add<LayerNorm>("encoder.ln", kNorm);
    net.add<FullyConnected>("heads.head", FullyConnectedOptions{.outputs = classes});
  });
}

}  // namespace sterna::models
