#include "models/layers/sequential.h"

#include <cxxabi.h>

#include <cstdlib>
#include <string_view>
#include <typeinfo>

namespace sterna::models {
namespace {

// "MaxPool" of a sterna::models::MaxPool.
std::string type_name(const Layer& layer) {
  const char* mangled = typeid(layer).name();
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  const std::string_view whole = demangled ? demangled.get() : mangled;
  return std::string(whole.substr(whole.rfind(':') + 1));
}

// What the names of all parameters from `first` on begin with, in whole parts between dots; of a single one,
// all of it but the last part.
std::string common_name(const tensor::ParameterTable& table, std::size_t first) {
  const auto parent = [](std::string_view name) {
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  };
  std::string_view common = parent(table[first].name);
  for (std::size_t i = first + 1; i < table.size(); ++i) {
    const std::string& name = table[i].name;
    while (!common.empty() && !(name.starts_with(common) && name[common.size()] == '.'))
      common = parent(common);
  }
  return std::string(common);
}

}  // namespace

Sequential::Sequential(const LayerContext& context)
    : context_(context), parameters_before_(context.parameters.size()) {}

const tensor::TensorForm& Sequential::output_form() const {
  return layers_.empty() ? context_.input : layers_.back().layer->output_form();
}

LayerContext Sequential::next_context() const {
  const bool has_parameters = context_.parameters.size() > parameters_before_;
  return {.parameters = context_.parameters,
          .statistics = context_.statistics,
          .arena = context_.arena,
          .input = output_form(),
          .needs_input_gradient = context_.needs_input_gradient || has_parameters};
}

// Where its parameters have no name in common, or there are none, it is named after its type.
void Sequential::append(std::unique_ptr<Layer> layer, std::size_t first_parameter) {
  std::string name;
  if (first_parameter < context_.parameters.size()) name = common_name(context_.parameters, first_parameter);
  if (name.empty()) name = type_name(*layer);
  layers_.push_back({.layer = std::move(layer), .name = std::move(name)});
}

tensor::ConstTensor Sequential::forward(tensor::ConstTensor input, const Pass& pass) {
  tensor::ConstTensor activation = input;
  for (const auto& [layer, name] : layers_) activation = layer->forward(activation, pass);
  return activation;
}

tensor::Tensor Sequential::backward(tensor::Tensor output_gradient, const Pass& pass) {
  tensor::Tensor gradient = output_gradient;
  for (auto entry = layers_.rbegin(); entry != layers_.rend(); ++entry) {
    const Span span = pass.span(entry->name.c_str());
    gradient = entry->layer->backward(gradient, pass);
    if (gradient.data == nullptr) break;  // no layer before this one has parameters
  }
  return gradient;
}

double Sequential::multiplications_of_activations() const {
  double sum = 0.0;
  for (const auto& [layer, name] : layers_) sum += layer->multiplications_of_activations();
  return sum;
}

}  // namespace sterna::models
