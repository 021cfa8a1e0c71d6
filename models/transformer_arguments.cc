#include "models/transformer_arguments.h"

#include "runtime/core/errors.h"

namespace sterna::models {

TransformerSizes read_transformer_sizes(ModelArguments& arguments, const TransformerSizes& standard) {
  const TransformerSizes sizes{.features = arguments.whole("d", standard.features, 1, 1 << 14),
                               .heads = arguments.whole("heads", standard.heads, 1, 1 << 10),
                               .layers = arguments.whole("layers", standard.layers, 1, 1 << 10),
                               .hidden = arguments.whole("ffn", standard.hidden, 1, 1 << 16),
                               .dropout = arguments.real("dropout", standard.dropout, 0.0, 0.99)};
  if (sizes.features % sizes.heads != 0) {
    throw ConfigError(cat("[models] model-arg heads = ", sizes.heads, ": must divide d = ", sizes.features,
                          "; try another of the two"));
  }
  return sizes;
}

}  // namespace sterna::models
