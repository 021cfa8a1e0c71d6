// The definitions that this program was built with: the files of configs/experiments, word for word.
#pragma once

#include <span>
#include <string_view>

namespace sterna::experiment {

struct EmbeddedDefinition {
  std::string_view name;  // of the file, without .toml
  std::string_view text;
};

// All of them, sorted by name.
[[nodiscard]] std::span<const EmbeddedDefinition> embedded_definitions();

}  // namespace sterna::experiment
