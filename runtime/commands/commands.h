// The program's subcommands. Each takes its own arguments, with its name as argv[0], and returns the exit
// status.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
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
int experiment(Job& job, int argc, const char* const* argv);
int report(Job& job, int argc, const char* const* argv);

// For the installation: the commands as shells complete them, and as man(1) shows them.
int completion(Job& job, int argc, const char* const* argv);
int manual(Job& job, int argc, const char* const* argv);

// bench's own subcommands.
int bench_codec(Job& job, int argc, const char* const* argv);
int bench_collective(Job& job, int argc, const char* const* argv);
int bench_step(Job& job, int argc, const char* const* argv);

// Is shown a command's flags, as it would parse them.
using AppVisitor = std::function<void(const CLI::App&)>;

void describe_train(const AppVisitor& visit);
void describe_replay(const AppVisitor& visit);
void describe_project(const AppVisitor& visit);
void describe_list(const AppVisitor& visit);
void describe_doctor(const AppVisitor& visit);
void describe_experiment(const AppVisitor& visit);
void describe_report(const AppVisitor& visit);
void describe_bench_codec(const AppVisitor& visit);
void describe_bench_collective(const AppVisitor& visit);
void describe_bench_step(const AppVisitor& visit);

struct Command {
  std::string_view name;
  std::string_view summary;  // empty: --help is silent about it
  int (*run)(Job& job, int argc, const char* const* argv);
  void (*describe)(const AppVisitor& visit) = nullptr;  // of a command that has flags
  std::span<const Command> subcommands = {};            // of one that has none
};

// The program's subcommands, and bench's.
[[nodiscard]] std::span<const Command> command_table();
[[nodiscard]] std::span<const Command> bench_table();

// Runs the command that argv[1] names, with what follows. Prints the table if it is --help; throws
// ConfigError, which lists the names, if there is no such command.
//   program  "sterna", or "sterna bench"
int dispatch(std::string_view program, std::span<const Command> commands, Job& job, int argc,
             const char* const* argv);

// For commands whose ranks need no settings to find each other: parses, connects, and agrees on errors.
// Returns whether to go on; if not, the help text has been printed.
[[nodiscard]] bool parse_together(Job& job, CLI::App& app, int argc, const char* const* argv);

}  // namespace sterna::commands
