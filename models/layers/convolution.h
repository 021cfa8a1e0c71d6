// Convolution of images, also grouped and depthwise, with or without bias and max(., 0); torch.nn.Conv2d.
#pragma once

#include <cstddef>
#include <string>

#include "models/layers/product_layer.h"

namespace sterna::models {

struct ConvolutionOptions {
  std::size_t outputs;  // channels
  std::size_t kernel;   // rows and columns
  std::size_t stride = 1;
  std::size_t padding = 0;
  std::size_t groups = 1;  // divides inputs and outputs; as many as inputs: depthwise
  bool has_bias = true;
  bool has_relu = false;
};

// [B, in, height, width] -> [B, out, height', width'].
class Convolution final : public ProductLayer {
 public:
  Convolution(const LayerContext& context, const std::string& name, const ConvolutionOptions& options);
};

}  // namespace sterna::models
