// The project's errors, and the text helpers that their messages are built with.
//
// A message reads `[part] what = value: what is legal; what to try`, and names rank, step and layer where
// they exist.
#pragma once

#include <concepts>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sterna {

// The author of a command line, a config or a data file can fix it; the program ends with status 2.
class ConfigError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A ConfigError that every rank of the job has, and throws: none needs to be told to stop.
class AgreedConfigError : public ConfigError {
  using ConfigError::ConfigError;
};

// Bytes from another rank or from a file that no encoder of this build can have written; status 1.
class WireError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The network, or another rank, failed; names call, rank and peer; status 1.
class CommError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// NaN or infinity in a loss or a gradient: not a fault of the program, but nothing more can be learned;
// status 3.
class DivergedError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A DivergedError that every rank of the job has, and throws at the same place: all may still communicate.
class AgreedDivergedError : public DivergedError {
  using DivergedError::DivergedError;
};

// A condition of our own code that does not hold; status 1.
class InternalError : public std::logic_error {
  using std::logic_error::logic_error;
};

// Returns the arguments, written one after the other.
template <typename... Parts>
[[nodiscard]] std::string cat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

// Returns the elements of `range` with `separator` between them.
template <std::ranges::input_range Range>
[[nodiscard]] std::string joined(const Range& range, std::string_view separator) {
  std::ostringstream text;
  bool is_first = true;
  for (const auto& element : range) {
    if (!is_first) text << separator;
    text << element;
    is_first = false;
  }
  return text.str();
}

namespace detail {

[[noreturn]] void fail_check(const char* expression, const std::string& operands, const char* file, int line);

// Holds the left operand of STERNA_CHECK, so that a failure can print both.
template <typename Left>
struct CheckedLeft {
  const Left& left;
  const char* expression;
  const char* file;
  int line;

  template <typename Right>
  void require(bool holds, const Right& right) const {
    if (!holds) fail_check(expression, cat(left, " and ", right), file, line);
  }
  template <typename Right>
  void operator==(const Right& right) const {
    require(left == right, right);
  }
  template <typename Right>
  void operator!=(const Right& right) const {
    require(left != right, right);
  }
  template <typename Right>
  void operator<(const Right& right) const {
    require(left < right, right);
  }
  template <typename Right>
  void operator<=(const Right& right) const {
    require(left <= right, right);
  }
  template <typename Right>
  void operator>(const Right& right) const {
    require(left > right, right);
  }
  template <typename Right>
  void operator>=(const Right& right) const {
    require(left >= right, right);
  }
};

struct CheckStart {
  const char* expression;
  const char* file;
  int line;

  // Not to be thrown away: that would be a check without a comparison, which checks nothing.
  template <typename Left>
  [[nodiscard]] CheckedLeft<Left> operator<<(const Left& left) const {
    return {left, expression, file, line};
  }
};

}  // namespace detail
}  // namespace sterna

// STERNA_CHECK(n == m): throws InternalError with both operands if the comparison does not hold. Always
// compiled in. One comparison, no && or ||.
#define STERNA_CHECK(comparison) (::sterna::detail::CheckStart{#comparison, __FILE__, __LINE__} << comparison)
