// Completion for fish.
#include "runtime/commands/description.h"
#include "runtime/core/errors.h"
#include "runtime/core/version.h"

namespace sterna::commands {
namespace {

// fish's own test for subcommands takes a word for one wherever it stands; this one wants them in front.
constexpr char kHead[] = R"(
# Whether the words before the cursor are these commands, and, with --only, nothing else.
function __sterna_in
    set -l words (commandline -opc)[2..]
    if test "$argv[1]" = --only
        set -e argv[1]
        test "$words" = "$argv"
        return
    end
    test (count $words) -ge (count $argv); and test "$words[1..$(count $argv)]" = "$argv"
end

complete -c sterna -f
)";

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string line_for(const std::string& condition, const std::string& rest, const std::string& help) {
  return cat("complete -c sterna -n ", quoted(condition), rest, " -d ", quoted(help), "\n");
}

std::string line_for(const CommandDescription& command, const Flag& flag) {
  std::string rest = " -l " + flag.name.substr(2);
  if (flag.kind == ValueKind::kFile) rest += " -r -F";
  if (flag.kind == ValueKind::kNumber || flag.kind == ValueKind::kText) rest += " -x";
  if (flag.kind == ValueKind::kChoice) rest += cat(" -x -a ", quoted(joined(flag.choices, " ")));
  return line_for("__sterna_in " + command.path, rest, flag.help);
}

std::string lines_for(const std::string& path, const std::vector<CommandDescription>& commands) {
  std::string text;
  for (const CommandDescription& command : commands) {
    text += line_for("__sterna_in --only " + path, " -a " + command.name, command.summary);
    text += lines_for(command.path, command.subcommands);
    if (!command.operand.name.empty()) {
      text += line_for("__sterna_in " + command.path, " -F", command.operand.help);
    }
    for (const Flag& flag : command.flags) text += line_for(command, flag);
  }
  return text;
}

}  // namespace

std::string fish_completion() {
  return cat("# Completion of sterna ", kVersion, " for fish, written by `sterna completion fish`.\n", kHead,
             lines_for("", describe_commands()));
}

}  // namespace sterna::commands
