// What every subcommand's command line has in common.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/core/errors.h"

namespace sterna {

// A whole number without the zeros in front, which would make it octal; any other text as it is.
inline std::string as_decimal(std::string text) {
  const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  if (text.find_first_not_of("0123456789", sign) != std::string::npos) return text;
  const std::size_t first = text.find_first_not_of('0', sign);
  const std::size_t kept = first == std::string::npos ? text.size() - 1 : first;
  return kept > sign ? text.erase(sign, kept - sign) : text;
}

// What is wrong with `text` as a number of this type; "" if nothing is.
template <typename Number>
std::string why_no_number(const std::string& text) {
  Number parsed{};
  if constexpr (std::is_unsigned_v<Number>) {
    // The conversion would make a huge number of it.
    if (text.starts_with('-')) return cat(text, " is negative: must be 0 or more");
    const auto end = text.data() + text.size();
    if (std::from_chars(text.data(), end, parsed).ec == std::errc::result_out_of_range)
      return cat(text, " is too large: must be at most ", std::numeric_limits<Number>::max());
  }
  if (CLI::detail::lexical_cast(text, parsed)) return "";
  return cat("\"", text, "\" is no number: must be ", std::is_integral_v<Number> ? "a whole one" : "one");
}

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
    if constexpr (std::is_integral_v<Value>) option->transform(as_decimal);
    if constexpr (std::is_arithmetic_v<Value>) option->check(why_no_number<Value>);
  }
}

// The same for a whole number in [least, most]; more checks may be added.
template <typename Number>
CLI::Option* add_number_for(CLI::App& app, const std::string& key, Number& member, const std::string& help,
                            std::type_identity_t<Number> least, std::type_identity_t<Number> most) {
  return app.add_option("--" + key, member, help)
      ->capture_default_str()
      ->transform(as_decimal)
      ->check(CLI::Range(least, most));
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
