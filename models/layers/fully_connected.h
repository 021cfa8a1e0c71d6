// Fully connected layer, with or without bias and max(., 0); torch.nn.Linear.
#pragma once

#include <cstddef>
#include <string>

#include "models/layers/product_layer.h"

namespace sterna::models {

struct FullyConnectedOptions {
  std::size_t outputs;
  bool has_bias = true;
  bool has_relu = false;
};

// [B, ..., in] -> [B, ..., out], both plain.
class FullyConnected final : public ProductLayer {
 public:
  FullyConnected(const LayerContext& context, const std::string& name, const FullyConnectedOptions& options);
};

}  // namespace sterna::models
