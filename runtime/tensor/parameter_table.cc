#include "runtime/tensor/parameter_table.h"

#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::tensor {

std::string_view kind_name(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::kConvolution:
      return "convolution";
    case ParameterKind::kFullyConnected:
      return "fully-connected";
    case ParameterKind::kRecurrent:
      return "recurrent";
    case ParameterKind::kEmbedding:
      return "embedding";
    case ParameterKind::kBias:
      return "bias";
    case ParameterKind::kNormalisation:
      return "normalisation";
  }
  return "unknown";
}

std::size_t ParameterTable::add(Parameter parameter) {
  const bool is_new = names_.insert(parameter.name).second;
  STERNA_CHECK(is_new == true);
  parameter.elements = 1;
  for (std::size_t extent : parameter.shape) parameter.elements *= extent;
  STERNA_CHECK(parameter.elements > 0u);
  parameter.offset = arena_elements_;

  constexpr std::size_t kBorder = kAlignmentBytes / sizeof(float);
  arena_elements_ += (parameter.elements + kBorder - 1) / kBorder * kBorder;
  elements_ += parameter.elements;
  parameters_.push_back(std::move(parameter));
  return parameters_.size() - 1;
}

std::span<float> ParameterTable::slice(std::span<float> arena, std::size_t index) const {
  STERNA_CHECK(arena.size() == arena_elements_);
  return arena.subspan(parameters_[index].offset, parameters_[index].elements);
}

std::span<const float> ParameterTable::slice(std::span<const float> arena, std::size_t index) const {
  STERNA_CHECK(arena.size() == arena_elements_);
  return arena.subspan(parameters_[index].offset, parameters_[index].elements);
}

void initialise(const ParameterTable& table, std::uint64_t seed, std::span<float> values) {
  for (std::size_t index = 0; index < table.size(); ++index) {
    const Parameter& parameter = table[index];
    const RandomKey key{
        .seed = seed, .use = RandomUse::kInitialParameters, .layer = static_cast<std::uint16_t>(index)};
    std::span<float> slice = table.slice(values, index);
    for (std::size_t i = 0; i < slice.size(); ++i) {
      double value = parameter.initial_value;
      if (parameter.initial_bound != 0.0) {
        value += parameter.initial_bound * (2.0 * static_cast<double>(random_uniform(key, i)) - 1.0);
      }
      if (parameter.initial_deviation != 0.0) {
        value += parameter.initial_deviation * static_cast<double>(random_normal(key, i));
      }
      slice[i] = static_cast<float>(value);
    }
  }
}

}  // namespace sterna::tensor
