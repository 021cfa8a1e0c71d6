#include "models/layers/fully_connected.h"

#include <memory>

#include "runtime/core/errors.h"
#include "runtime/tensor/blas/fully_connected_products.h"

namespace sterna::models {
namespace {

std::unique_ptr<tensor::Products> make_products(const LayerContext& context,
                                                const FullyConnectedOptions& options) {
  STERNA_CHECK(context.input.shape.size() == 2u);
  STERNA_CHECK(context.input.is_plain() == true);
  return tensor::make_fully_connected_products({.samples = context.input.shape[0],
                                                .inputs = context.input.shape[1],
                                                .outputs = options.outputs,
                                                .has_relu = options.has_relu});
}

ProductParameters parameters_of(const LayerContext& context, const std::string& name,
                                const FullyConnectedOptions& options) {
  return {.name = name,
          .weight_shape = {options.outputs, context.input.shape[1]},
          .kind = tensor::ParameterKind::kFullyConnected,
          .multiplications_per_element = 1.0,
          .has_bias = options.has_bias};
}

}  // namespace

FullyConnected::FullyConnected(const LayerContext& context, const std::string& name,
                               const FullyConnectedOptions& options)
    : ProductLayer(context, make_products(context, options), parameters_of(context, name, options),
                   options.has_relu) {}

}  // namespace sterna::models
