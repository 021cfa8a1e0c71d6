// The commands and their flags as text: what completions and the man page are written from. It is read off
// the objects that parse command lines, so that nothing can be said of a flag that is not so.
#pragma once

#include <string>
#include <vector>

namespace sterna::commands {

// What follows a flag.
enum class ValueKind {
  kNothing,  // a switch
  kNumber,
  kChoice,  // one of Flag::choices
  kFile,    // or a directory
  kText,
};

struct Flag {
  std::string name;  // "--rate"; the short name of "--help", "-h", is not among them
  ValueKind kind = ValueKind::kNothing;
  std::string default_value;  // "" where there is none
  std::string help;
  std::vector<std::string> choices;
};

// What stands without a flag: a file or a directory.
struct Operand {
  std::string name;  // "directory"; "" where there is none
  std::string help;
};

struct CommandDescription {
  std::string path;     // "bench step"
  std::string name;     // "step"
  std::string summary;  // one line, of the list of commands
  std::string about;    // what --help begins with; empty where there are subcommands
  Operand operand;
  std::vector<Flag> flags;
  std::vector<CommandDescription> subcommands;
};

// The commands that `sterna --help` shows.
[[nodiscard]] std::vector<CommandDescription> describe_commands();

// All of them that have flags, in one row: those of `bench` where it stood.
[[nodiscard]] std::vector<CommandDescription> commands_with_flags();

// Scripts for `complete` of these shells, and the source of sterna(1).
[[nodiscard]] std::string bash_completion();
[[nodiscard]] std::string zsh_completion();
[[nodiscard]] std::string fish_completion();

//   date  of the man page, "2026-11-25"
[[nodiscard]] std::string man_page(const std::string& date);

}  // namespace sterna::commands
