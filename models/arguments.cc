#include "models/arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

template <typename Number>
bool parse(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

}  // namespace

ModelArguments::ModelArguments(std::string_view model, std::span<const std::string> texts) : model_(model) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw ConfigError(cat("[models] model-arg = \"", text, "\": must be name=value, as in depth=32"));
    }
    Given given{.name = text.substr(0, equals), .value = text.substr(equals + 1)};
    if (std::ranges::find(given_, given.name, &Given::name) != given_.end()) {
      throw ConfigError(cat("[models] model-arg ", given.name, " is given twice; once is enough"));
    }
    given_.push_back(std::move(given));
  }
}

std::size_t ModelArguments::whole(std::string_view name, std::size_t standard, std::size_t least,
                                  std::size_t most) {
  const std::string* text = find(name, cat(name, " (", standard, "; ", least, " to ", most, ")"));
  if (text == nullptr) return standard;
  std::size_t number = 0;
  if (!parse(*text, number) || number < least || number > most) refuse(name, *text);
  return number;
}

double ModelArguments::real(std::string_view name, double standard, double least, double most) {
  const std::string* text = find(name, cat(name, " (", standard, "; ", least, " to ", most, ")"));
  if (text == nullptr) return standard;
  double number = 0.0;
  if (!parse(*text, number) || !(number >= least && number <= most)) refuse(name, *text);
  return number;
}

const std::string* ModelArguments::find(std::string_view name, std::string what_it_takes) {
  known_.push_back(std::move(what_it_takes));
  const auto given = std::ranges::find(given_, name, &Given::name);
  if (given == given_.end()) return nullptr;
  given->is_read = true;
  return &given->value;
}

void ModelArguments::refuse(std::string_view name, const std::string& value) const {
  throw ConfigError(cat("[models] model-arg ", name, " = ", value, ": ", model_, " takes ", known_.back()));
}

void ModelArguments::require_all_read() const {
  for (const Given& given : given_) {
    if (given.is_read) continue;
    throw ConfigError(cat("[models] model-arg ", given.name, ": ", model_, " has ",
                          known_.empty() ? "no arguments" : joined(known_, ", ")));
  }
}

}  // namespace sterna::models
