#include "models/layers/fully_connected.h"

#include <memory>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

std::unique_ptr<tensor::Products> make_products(const LayerContext& context,
                                                const FullyConnectedOptions& options) {
  return context.operations().make_fully_connected_products(
      context.input, {.outputs = options.outputs, .has_relu = options.has_relu});
}

ProductParameters parameters_of(const LayerContext& context, const std::string& name,
                                const FullyConnectedOptions& options) {
  const tensor::Shape& input = context.input.shape;
  return {.name = name,
          .weight_shape = {options.outputs, input.back()},
          .kind = tensor::ParameterKind::kFullyConnected,
          // Each weight meets each row of a sample once.
          .multiplications_per_element =
              static_cast<double>(tensor::elements_of(input) / (input.front() * input.back())),
          .has_bias = options.has_bias};
}

}  // namespace

FullyConnected::FullyConnected(const LayerContext& context, const std::string& name,
                               const FullyConnectedOptions& options)
    : ProductLayer(context, make_products(context, options), parameters_of(context, name, options),
                   options.has_relu) {}

}  // namespace sterna::models
