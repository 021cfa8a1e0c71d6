// One table of an experiment's TOML file: its keys are asked for one by one, and what nobody asked for is a
// mistake, or a flag of `sterna train`.
#pragma once

#include <toml++/toml.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/experiment/definition.h"

namespace sterna::experiment {

class DefinitionTable {
 public:
  //   table  must outlive it
  //   name   what messages call it: "[settings]"
  //   where  what they call the file
  DefinitionTable(const toml::table& table, std::string name, std::string where)
      : table_(table), name_(std::move(name)), where_(std::move(where)) {}

  // Throws ConfigError with the node's line, or the table's first.
  [[noreturn]] void fail(const toml::node& node, const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const { fail(table_, what); }

  // Null where the key is not there. This and all that follows marks the key as asked for; what returns a
  // value throws ConfigError if it is of another type.
  const toml::node* find(std::string_view key);

  template <typename Value>
  std::optional<Value> optional(std::string_view key, const char* what_it_is) {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    const auto value = node->value_exact<Value>();
    if (!value) fail(*node, cat(key, " must be ", what_it_is));
    return value;
  }

  template <typename Value>
  Value required(std::string_view key, const char* what_it_is) {
    const auto value = optional<Value>(key, what_it_is);
    if (!value) fail(cat(key, " is missing in ", name_, ": must be ", what_it_is));
    return *value;
  }

  std::string text(std::string_view key);                // that is not empty
  std::vector<std::string> texts(std::string_view key);  // none where the key is not there
  std::optional<double> number(std::string_view key);    // whole or not
  std::optional<DefinitionTable> table(std::string_view key);
  std::vector<DefinitionTable> list_of_tables(std::string_view key);  // [[key]], none or more

  // What nobody has asked for. Throws ConfigError for a key that is not in `legal`, or that the runner sets.
  Flags take_flags(const std::set<std::string>& legal) const;

  // Throws ConfigError for a key that nobody has asked for.
  void require_all_asked() const;

 private:
  std::vector<std::string> list_of_texts(std::string_view key, const toml::node& node) const;
  Flags as_json(const std::string& key, const toml::node& node) const;

  std::reference_wrapper<const toml::table> table_;
  std::string name_;
  std::string where_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace sterna::experiment
