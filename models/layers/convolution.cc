#include "models/layers/convolution.h"

#include <memory>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

std::unique_ptr<tensor::Products> make_products(const LayerContext& context,
                                                const ConvolutionOptions& options) {
  STERNA_CHECK(context.input.shape.size() == 4u);
  const tensor::ConvolutionShape shape{.outputs = options.outputs,
                                       .kernel = options.kernel,
                                       .stride = options.stride,
                                       .padding = options.padding,
                                       .groups = options.groups,
                                       .has_bias = options.has_bias,
                                       .has_relu = options.has_relu,
                                       .needs_input_gradient = context.needs_input_gradient};
  return context.operations().make_convolution_products(context.input, shape, context.arena);
}

ProductParameters parameters_of(const LayerContext& context, const std::string& name,
                                const ConvolutionOptions& options) {
  const tensor::Shape& input = context.input.shape;
  const auto swept = [&](std::size_t extent) {
    return (extent + 2 * options.padding - options.kernel) / options.stride + 1;
  };
  return {.name = name,
          .weight_shape = {options.outputs, input[1] / options.groups, options.kernel, options.kernel},
          .kind = tensor::ParameterKind::kConvolution,
          // Each weight meets each position of the output once.
          .multiplications_per_element = static_cast<double>(swept(input[2]) * swept(input[3])),
          .has_bias = options.has_bias};
}

}  // namespace

Convolution::Convolution(const LayerContext& context, const std::string& name,
                         const ConvolutionOptions& options)
    : ProductLayer(context, make_products(context, options), parameters_of(context, name, options),
                   options.has_relu) {}

}  // namespace sterna::models
