// The parameters of a model: names, shapes, and where each lies in the flat arenas of values, gradients and
// residues.
//
// Every arena that holds one number per parameter element (values, a learner's gradient, its residue, an
// optimizer's moments) has the same layout: parameter after parameter in the order of the table, each on a
// 64-byte border. The few elements between two parameters are padding: they are 0 and stay 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace sterna::tensor {

enum class ParameterKind { kConvolution, kFullyConnected, kRecurrent, kEmbedding, kBias, kNormalisation };

// Returns "convolution", "fully-connected", "recurrent", "embedding", "bias" or "normalisation".
[[nodiscard]] std::string_view kind_name(ParameterKind kind);

struct Parameter {
  std::string name;                // as PyTorch's state_dict has it, "conv1.weight"
  std::vector<std::size_t> shape;  // as PyTorch has it, [out, in, height, width] or [out, in] or [out]
  ParameterKind kind;
  double initial_bound = 0.0;      // initial values are uniform in [-initial_bound, initial_bound) ...
  double initial_deviation = 0.0;  // ... plus normal with this standard deviation ...
  double initial_value = 0.0;      // ... around this
  double multiplications_per_element =
      1.0;                   // of one sample's forward pass; output height x width for a convolution
  std::size_t elements = 0;  // product of shape, set by ParameterTable::add
  std::size_t offset = 0;    // of the first element in an arena, set by ParameterTable::add
};

class ParameterTable {
 public:
  // Appends a parameter and returns its index. The name must be new.
  std::size_t add(Parameter parameter);

  [[nodiscard]] const Parameter& operator[](std::size_t index) const { return parameters_[index]; }
  [[nodiscard]] std::size_t size() const { return parameters_.size(); }
  [[nodiscard]] auto begin() const { return parameters_.begin(); }
  [[nodiscard]] auto end() const { return parameters_.end(); }

  // Sum of all elements, without padding.
  [[nodiscard]] std::size_t elements() const { return elements_; }

  // Length of an arena in elements, padding included.
  [[nodiscard]] std::size_t arena_elements() const { return arena_elements_; }

  // The part of an arena that belongs to one parameter.
  [[nodiscard]] std::span<float> slice(std::span<float> arena, std::size_t index) const;
  [[nodiscard]] std::span<const float> slice(std::span<const float> arena, std::size_t index) const;

 private:
  std::vector<Parameter> parameters_;
  std::unordered_set<std::string> names_;
  std::size_t elements_ = 0;
  std::size_t arena_elements_ = 0;
};

// Fills a zeroed arena with initial values, a function of the seed, the parameter's index and the element
// alone.
void initialise(const ParameterTable& table, std::uint64_t seed, std::span<float> values);

}  // namespace sterna::tensor
