// The project's errors, which include/sterna/errors.h declares, and the text helpers that their messages are
// built with.
#pragma once

#include <concepts>
#include <ranges>
#include <sstream>
#include <string>
#include <string_view>

#include "sterna/errors.h"

namespace sterna {

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
// compiled in. One comparison, no && or ||. It has the file's name without its path, which is the path of
// whoever built the program.
#define STERNA_CHECK(comparison) \
  (::sterna::detail::CheckStart{#comparison, __FILE_NAME__, __LINE__} << comparison)
