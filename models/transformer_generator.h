// The generator of the model transformer.
#pragma once

#include <memory>

#include "models/generator.h"
#include "models/network.h"
#include "models/transformer_arguments.h"

namespace sterna::models {

struct TransformerGeneratorSizes {
  TransformerSizes sizes;
  std::size_t symbols;
  std::size_t source_positions;
  std::size_t target_positions;
};

//   table        the model's
//   add_encoder  appends the encoder's layers, whose parameters are the first of the table
[[nodiscard]] std::unique_ptr<Generator> make_transformer_generator(const TransformerGeneratorSizes& sizes,
                                                                    const GeneratorShape& shape,
                                                                    const tensor::ParameterTable& table,
                                                                    const AddLayers& add_encoder);

}  // namespace sterna::models
