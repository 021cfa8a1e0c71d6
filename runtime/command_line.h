// What every subcommand's command line has in common.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/core/errors.h"

namespace sterna {

// Adds the flag --key for `member`, with its present value as the default that --help shows. Given twice, the
// last wins; a list has them all.
template <typename Value>
void add_flag_for(CLI::App& app, const std::string& key, Value& member, const std::string& help) {
  if constexpr (std::is_same_v<Value, bool>) {
    app.add_flag("--" + key, member, help);
  } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
    app.add_option("--" + key, member, help)->allow_extra_args(false);
  } else {
    CLI::Option* option = app.add_option("--" + key, member, help)->capture_default_str()->take_last();
    if constexpr (std::is_unsigned_v<Value>) {
      // The conversion to an unsigned number would make a huge one of it.
      option->check([](const std::string& text) {
        return text.starts_with('-') ? cat(text, " is negative: must be 0 or more") : std::string();
      });
    }
  }
}

// Parses; returns the help text if the arguments ask for it, else "". Throws ConfigError for whatever CLI11
// refuses.
inline std::string parse_arguments(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    for (char& c : what) {
      if (c == '\n') c = ' ';
    }
    throw ConfigError(
        cat("[", app.get_name(), "] ", what, "; `", app.get_name(), " --help` explains each flag"));
  }
  return "";
}

}  // namespace sterna
