// The program's subcommands. Each takes its own arguments, with its name as argv[0], and returns the exit
// status.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string_view>

#include "runtime/job.h"

namespace sterna::commands {

int train(Job& job, int argc, const char* const* argv);
int replay(Job& job, int argc, const char* const* argv);
int project(Job& job, int argc, const char* const* argv);
int list(Job& job, int argc, const char* const* argv);
int bench(Job& job, int argc, const char* const* argv);
int doctor(Job& job, int argc, const char* const* argv);

// bench's own subcommands.
int bench_codec(Job& job, int argc, const char* const* argv);
int bench_collective(Job& job, int argc, const char* const* argv);
int bench_step(Job& job, int argc, const char* const* argv);

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(Job& job, int argc, const char* const* argv);
};

// Runs the command that argv[1] names, with what follows. Prints the table if it is --help; throws
// ConfigError, which lists the names, if there is no such command.
//   program  "sterna", or "sterna bench"
int dispatch(std::string_view program, std::span<const Command> commands, Job& job, int argc,
             const char* const* argv);

// For commands whose ranks need no settings to find each other: parses, connects, and agrees on errors.
// Returns whether to go on; if not, the help text has been printed.
[[nodiscard]] bool parse_together(Job& job, CLI::App& app, int argc, const char* const* argv);

}  // namespace sterna::commands
