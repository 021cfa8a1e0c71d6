#include "runtime/experiment/definition_table.h"

#include <utility>

namespace sterna::experiment {
namespace {

// Flags that a definition cannot set: the runner does, or all runs would write one file.
const std::set<std::string> kFlagsOfTheRunner = {"log-dir",      "overwrite", "progress", "record-gradients",
                                                 "save-weights", "seed",      "timeline"};

}  // namespace

void DefinitionTable::fail(const toml::node& node, const std::string& what) const {
  throw ConfigError(cat("[experiment] ", where_, ", line ", node.source().begin.line, ": ", what));
}

const toml::node* DefinitionTable::find(std::string_view key) {
  asked_.emplace(key);
  return table_.get().get(key);
}

std::string DefinitionTable::text(std::string_view key) {
  const auto value = required<std::string>(key, "a string that is not empty");
  if (value.empty()) fail(*find(key), cat(key, " must be a string that is not empty"));
  return value;
}

std::vector<std::string> DefinitionTable::texts(std::string_view key) {
  const toml::node* node = find(key);
  return node == nullptr ? std::vector<std::string>() : list_of_texts(key, *node);
}

std::optional<double> DefinitionTable::number(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto value = node->value<double>();
  if (!node->is_number() || !value) fail(*node, cat(key, " must be a number"));
  return value;
}

std::optional<DefinitionTable> DefinitionTable::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_table()) fail(*node, cat(key, " must be a table, under [", key, "]"));
  return DefinitionTable(*node->as_table(), cat("[", key, "]"), where_);
}

std::vector<DefinitionTable> DefinitionTable::list_of_tables(std::string_view key) {
  std::vector<DefinitionTable> tables;
  const toml::node* node = find(key);
  if (node == nullptr) return tables;
  const toml::array* list = node->as_array();
  if (list == nullptr) fail(*node, cat(key, " must be tables, each under [[", key, "]]"));
  for (const toml::node& each : *list) {
    if (!each.is_table()) fail(each, cat(key, " must be tables, each under [[", key, "]]"));
    tables.emplace_back(*each.as_table(), cat("[[", key, "]]"), where_);
  }
  return tables;
}

Flags DefinitionTable::take_flags(const std::set<std::string>& legal) const {
  Flags flags = Flags::object();
  for (const auto& [toml_key, node] : table_.get()) {
    const std::string key(toml_key.str());
    if (asked_.contains(key)) continue;
    if (kFlagsOfTheRunner.contains(key)) {
      fail(node, cat(key, " in ", name_, ": the experiment sets it for each run; leave it out"));
    }
    if (!legal.contains(key)) {
      fail(node, cat(key, " in ", name_, ": `sterna train` has no such flag; `sterna train --help` has all"));
    }
    flags[key] = as_json(key, node);
  }
  return flags;
}

void DefinitionTable::require_all_asked() const {
  for (const auto& [key, node] : table_.get()) {
    if (asked_.contains(std::string(key.str()))) continue;
    fail(node, cat(key.str(), ": there is no such key in ", name_, "; it may have ", joined(asked_, ", ")));
  }
}

std::vector<std::string> DefinitionTable::list_of_texts(std::string_view key, const toml::node& node) const {
  const toml::array* list = node.as_array();
  std::vector<std::string> all;
  if (list != nullptr) {
    for (const toml::node& each : *list) {
      if (const auto* text = each.as_string()) all.push_back(text->get());
    }
  }
  if (list == nullptr || all.size() != list->size()) fail(node, cat(key, " must be a list of strings"));
  return all;
}

Flags DefinitionTable::as_json(const std::string& key, const toml::node& node) const {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  if (const auto* whole = node.as_integer()) return whole->get();
  if (const auto* real = node.as_floating_point()) return real->get();
  if (node.is_array()) return list_of_texts(key, node);
  fail(node, cat(key, " must be a string, a number, true, false or a list of strings"));
}

}  // namespace sterna::experiment
