// TOML files for CLI11, read by toml++: CLI11's own reader takes what is no TOML, and cannot say in which
// line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <set>
#include <string>

namespace sterna {

// Reads a file of settings: names and values, no tables. Throws TomlMistake.
//   keys  the names that are legal
[[nodiscard]] std::shared_ptr<CLI::Config> make_toml_config(std::set<std::string> keys);

// What is wrong in a file of settings, and in which line.
class TomlMistake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sterna
