// Completion for zsh: a function for each command, for _arguments and _describe.
#include <algorithm>

#include "runtime/commands/description.h"
#include "runtime/core/errors.h"
#include "runtime/core/version.h"

namespace sterna::commands {
namespace {

// Within single quotes, and within [...] or behind a colon of a specification.
std::string quoted(const std::string& text, const std::string& special) {
  std::string out;
  for (char c : text) {
    if (special.find(c) != std::string::npos) out += '\\';
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out;
}

std::string function_name(std::string path) {
  std::ranges::replace(path, ' ', '_');
  return "_sterna_" + path;
}

std::string value_of(const Flag& flag) {
  switch (flag.kind) {
    case ValueKind::kNothing:
      return "";
    case ValueKind::kNumber:
      return ":number: ";
    case ValueKind::kText:
      return ":text: ";
    case ValueKind::kFile:
      return ":file:_files";
    case ValueKind::kChoice:
      return cat(":value:(", joined(flag.choices, " "), ")");
  }
  return "";
}

std::string arguments_of(const CommandDescription& command) {
  std::string text = cat(function_name(command.path), "() {\n  _arguments");
  for (const Flag& flag : command.flags) {
    // "*": a flag may be given again. "=": its value follows, or stands behind a =.
    const char* equals = flag.kind == ValueKind::kNothing ? "" : "=";
    text += cat(" \\\n    '*", flag.name, equals, "[", quoted(flag.help, "[]\\:"), "]", value_of(flag), "'");
  }
  if (!command.operand.name.empty()) text += cat(" \\\n    '*:", command.operand.name, ":_files'");
  return text + "\n}\n\n";
}

// Offers the names of commands, or hands on to the one that was named.
std::string choice_of(const std::string& name, const std::vector<CommandDescription>& commands) {
  std::string text = cat(name, "() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(");
  for (const CommandDescription& command : commands) {
    text += cat("\n      '", command.name, ":", quoted(command.summary, ":\\"), "'");
  }
  text += "\n    )\n    _describe command commands\n    return\n  fi\n  shift words\n  (( CURRENT-- ))\n";
  text += "  case $words[1] in\n";
  for (const CommandDescription& command : commands) {
    text += cat("    ", command.name, ") ", function_name(command.path), " ;;\n");
  }
  return text + "  esac\n}\n\n";
}

}  // namespace

std::string zsh_completion() {
  std::string text = cat("#compdef sterna\n# Completion of sterna ", kVersion,
                         " for zsh, written by `sterna completion zsh`.\n\n");
  const std::vector<CommandDescription> commands = describe_commands();
  for (const CommandDescription& command : commands_with_flags()) text += arguments_of(command);
  for (const CommandDescription& command : commands) {
    if (!command.subcommands.empty()) text += choice_of(function_name(command.path), command.subcommands);
  }
  return text + choice_of("_sterna", commands) + "_sterna \"$@\"\n";
}

}  // namespace sterna::commands
