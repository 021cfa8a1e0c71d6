#include "runtime/toml_config.h"

#include <toml++/toml.h>
#include <istream>
#include <sstream>
#include <utility>
#include <vector>

#include "runtime/core/errors.h"

namespace sterna {
namespace {

[[noreturn]] void fail(const toml::source_region& where, const std::string& what) {
  throw TomlMistake(cat("line ", where.begin.line, ": ", what));
}

// A value as it would stand on the command line.
std::string as_text(const std::string& key, const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (!node.is_number()) {
    fail(node.source(), cat(key, " must be a string, a number, true, false or a list of strings"));
  }
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

class TomlConfig : public CLI::Config {
 public:
  explicit TomlConfig(std::set<std::string> keys) : keys_(std::move(keys)) {}

  // CLI11 asks for it to write a file, which no subcommand offers.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return ""; }

  std::vector<CLI::ConfigItem> from_config(std::istream& file) const override {
    std::vector<CLI::ConfigItem> settings;
    const toml::table table = parse(file);
    for (const auto& [toml_key, node] : table) {
      const std::string key(toml_key.str());
      if (node.is_table())
        fail(node.source(), cat("[", key, "] is a table: settings stand alone, key = value"));
      if (!keys_.contains(key)) {
        fail(node.source(), cat("there is no setting ", key, "; they are ", joined(nearest(key), ", ")));
      }
      CLI::ConfigItem setting;
      setting.name = key;
      if (const toml::array* list = node.as_array()) {
        for (const toml::node& each : *list) setting.inputs.push_back(as_text(key, each));
      } else {
        setting.inputs.push_back(as_text(key, node));
      }
      if (!setting.inputs.empty()) settings.push_back(std::move(setting));
    }
    return settings;
  }

 private:
  static toml::table parse(std::istream& file) {
    try {
      return toml::parse(file);
    } catch (const toml::parse_error& error) {
      fail(error.source(), std::string(error.description()));
    }
  }

  // Those that share a word with the key, or all.
  [[nodiscard]] std::vector<std::string> nearest(const std::string& key) const {
    std::vector<std::string> found;
    for (const std::string& legal : keys_) {
      std::istringstream words(key);
      for (std::string word; std::getline(words, word, '-');) {
        if (word.size() < 3 || legal.find(word) == std::string::npos) continue;
        found.push_back(legal);
        break;
      }
    }
    return found.empty() ? std::vector<std::string>(keys_.begin(), keys_.end()) : found;
  }

  std::set<std::string> keys_;
};

}  // namespace

std::shared_ptr<CLI::Config> make_toml_config(std::set<std::string> keys) {
  return std::make_shared<TomlConfig>(std::move(keys));
}

}  // namespace sterna
