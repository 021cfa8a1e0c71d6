#include "runtime/commands/description.h"

#include <map>
#include <ranges>

#include "compressors/compressor.h"
#include "models/model.h"
#include "runtime/commands/commands.h"
#include "runtime/config.h"
#include "runtime/data/dataset.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/schedule.h"

namespace sterna::commands {
namespace {

using Names = std::vector<std::string>;

template <typename Table>
Names names_in(const Table& table) {
  Names names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

Names compressors_for(const std::string& path, const std::string& key) {
  Names names = names_in(compressors::compressor_table());
  if (key == "auto-compressor")
    std::erase_if(names, [](const auto& n) { return n == "none" || n == "fp16"; });
  if (key == "compressor" && path == "train") names.emplace_back(kAutoCompressor);
  return names;
}

// The words that CLI11 takes for a flag: it writes them into the type's name, as "TEXT:{on,off}".
Names checked_words(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{');
  if (open == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 1, type.find('}', open) - open - 1), ',');
}

// The values of a flag that has a list of them; a test holds them against what the program says is legal.
Names choices_of(const std::string& path, const std::string& key, const CLI::Option& option) {
  if (Names words = checked_words(option); !words.empty()) return words;
  if (path == "project") return {};
  static const std::map<std::string, Names, std::less<>> kFixed = {
      {"augment", {"none", "crop-flip"}},      {"device", {"auto", "cpu", "cuda"}},
      {"error-feedback", {"on", "off"}},       {"gather", {"all", "sparse-sum"}},
      {"hierarchy", {"auto", "flat", "host"}}, {"layer", {"conv", "fc"}},
      {"leader", {"rotate", "first"}},         {"overlap", {"on", "off"}},
      {"partition", {"uniform", "label"}},     {"progress", {"auto", "on", "off"}},
      {"selection", {"chunk", "exact"}},       {"sum-order", {"tree", "any"}},
      {"transport", {"auto", "mpi", "nccl"}},
  };
  if (const auto fixed = kFixed.find(key); fixed != kFixed.end()) return fixed->second;
  if (key == "model") return names_in(models::model_table());
  if (key == "data") return names_in(data::dataset_table());
  if (key == "optimizer") return names_in(optim::optimizer_table());
  if (key == "compressor" || key == "auto-compressor") return compressors_for(path, key);
  if (key != "schedule") return {};
  Names schedules;
  for (std::string_view name : optim::Schedule::names()) schedules.emplace_back(name);
  return schedules;
}

// Flags of text that is neither a file nor a directory.
bool is_text(const std::string& path, const std::string& key) {
  if (path == "project") return key != "run" && key != "plot";
  if (path == "experiment") return key == "variants";
  return key == "model-arg" || key == "dense-layers" || key == "layer-rates";
}

ValueKind kind_of(const CLI::Option& option, const Flag& flag, const std::string& path,
                  const std::string& key) {
  if (option.get_items_expected_max() == 0) return ValueKind::kNothing;
  if (!flag.choices.empty()) return ValueKind::kChoice;
  // CLI11 adds what it checks: "INT:INT in [1 - 1024]".
  const std::string type = option.get_type_name().substr(0, option.get_type_name().find(':'));
  if (type == "UINT" || type == "INT" || type == "FLOAT") return ValueKind::kNumber;
  return is_text(path, key) ? ValueKind::kText : ValueKind::kFile;
}

Flag describe_flag(const std::string& path, const CLI::Option& option) {
  const std::string& key = option.get_lnames().front();
  Flag flag;
  flag.name = "--" + key;
  flag.default_value = option.get_default_str();
  flag.help = option.get_description();
  flag.choices = choices_of(path, key, option);
  flag.kind = kind_of(option, flag, path, key);
  return flag;
}

CommandDescription describe(const Command& command, const std::string& parent) {
  CommandDescription described;
  described.path = parent + std::string(command.name);
  described.name = command.name;
  described.summary = command.summary;
  for (const Command& inner : command.subcommands) {
    described.subcommands.push_back(describe(inner, described.path + " "));
  }
  if (command.describe == nullptr) return described;
  command.describe([&](const CLI::App& app) {
    described.about = app.get_description();
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_lnames().empty()) {
        described.operand = {.name = option->get_name(), .help = option->get_description()};
      } else {
        described.flags.push_back(describe_flag(described.path, *option));
      }
    }
  });
  return described;
}

void append_with_flags(const std::vector<CommandDescription>& commands,
                       std::vector<CommandDescription>& all) {
  for (const CommandDescription& command : commands) {
    if (!command.flags.empty()) all.push_back(command);
    append_with_flags(command.subcommands, all);
  }
}

}  // namespace

std::vector<CommandDescription> describe_commands() {
  std::vector<CommandDescription> commands;
  for (const Command& command : command_table()) {
    if (!command.summary.empty()) commands.push_back(describe(command, ""));
  }
  return commands;
}

std::vector<CommandDescription> commands_with_flags() {
  std::vector<CommandDescription> all;
  append_with_flags(describe_commands(), all);
  return all;
}

}  // namespace sterna::commands
