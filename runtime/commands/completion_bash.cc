// Completion for bash, without the helpers of the package bash-completion.
#include "runtime/commands/description.h"
#include "runtime/core/errors.h"
#include "runtime/core/version.h"

namespace sterna::commands {
namespace {

// bash splits words at =, so that `--flag=value` is three of them.
constexpr char kHead[] = R"(# Completion of sterna @VERSION@ for bash, written by `sterna completion bash`.

_sterna() {
  local current=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} path= values= kind=files
  if [ "$current" = = ]; then
    current=
  elif [ "$flag" = = ] && [ "$COMP_CWORD" -ge 2 ]; then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  [ "$COMP_CWORD" -lt 2 ] || path=${COMP_WORDS[1]}
  [ "$path" != bench ] || [ "$COMP_CWORD" -lt 3 ] || path="bench ${COMP_WORDS[2]}"
  COMPREPLY=()
)";

constexpr char kTail[] = R"(  case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current") ;;
    files)
      # Outside a completion, as in a test, there is nothing to set.
      compopt -o filenames 2>/dev/null || true
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
  esac
}
complete -F _sterna sterna
)";

std::string one_case(const std::string& pattern, const std::string& kind, const std::string& values) {
  return cat("    ", pattern, ") kind=", kind, values.empty() ? "" : cat(" values='", values, "'"), " ;;\n");
}

// The first word, and bench's.
std::string command_cases() {
  std::string text;
  const auto names = [](const auto& commands) {
    return joined(commands | std::views::transform(&CommandDescription::name), " ");
  };
  text += one_case("' '*", "words", names(describe_commands()) + " --help --version");
  for (const CommandDescription& command : describe_commands()) {
    if (!command.subcommands.empty()) {
      text += one_case(cat("'", command.path, " '*"), "words", names(command.subcommands) + " --help");
    }
  }
  return text;
}

std::string flag_cases(const CommandDescription& command) {
  std::string text;
  for (const Flag& flag : command.flags) {
    const std::string pattern = cat("'", command.path, " ", flag.name, "'");
    if (flag.kind == ValueKind::kFile) text += one_case(pattern, "files", "");
    if (flag.kind == ValueKind::kChoice) text += one_case(pattern, "words", joined(flag.choices, " "));
    if (flag.kind == ValueKind::kNumber || flag.kind == ValueKind::kText)
      text += one_case(pattern, "none", "");
  }
  const std::string names = joined(command.flags | std::views::transform(&Flag::name), " ");
  const std::string pattern = cat("'", command.path, " '*");
  if (command.operand.name.empty()) return text + one_case(pattern, "words", names);
  // A word that does not begin as a flag is a path.
  return text + cat("    ", pattern, ") [[ $current != -* ]] || { kind=words; values='", names, "'; } ;;\n");
}

}  // namespace

std::string bash_completion() {
  std::string head = kHead;
  head.replace(head.find("@VERSION@"), 9, kVersion);
  std::string cases;
  for (const CommandDescription& command : commands_with_flags()) cases += flag_cases(command);
  return cat(head, "  case \"$path $flag\" in\n", cases, command_cases(), "  esac\n", kTail);
}

}  // namespace sterna::commands
