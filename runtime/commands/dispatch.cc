#include <iostream>
#include <vector>

#include "runtime/collectives/agreement.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/core/errors.h"
#include "runtime/core/version.h"

namespace sterna::commands {
namespace {

std::string usage(std::string_view program, std::span<const Command> commands) {
  std::string text = cat("usage: ", program, " <subcommand> [flags]\n\n");
  for (const Command& command : commands) {
    if (command.summary.empty()) continue;
    text += cat("  ", command.name, std::string(command.name.size() < 12 ? 12 - command.name.size() : 1, ' '),
                command.summary, "\n");
  }
  return text + cat("\n`", program, " <subcommand> --help` explains each flag.\n");
}

}  // namespace

int dispatch(std::string_view program, std::span<const Command> commands, Job& job, int argc,
             const char* const* argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  for (const Command& command : commands) {
    if (command.name == wanted) return command.run(job, argc - 1, argv + 1);
  }
  collectives::Communicator& comm = job.connect();
  if (wanted == "--help" || wanted == "-h") {
    if (comm.rank() == 0) std::cout << usage(program, commands);
    return 0;
  }
  if (wanted == "--version") {
    if (comm.rank() == 0) std::cout << "sterna " << kVersion << " (" << kBuild << ")\n";
    return 0;
  }
  std::vector<std::string_view> names;
  for (const Command& command : commands) {
    if (!command.summary.empty()) names.push_back(command.name);
  }
  agree(comm, cat("[", program, "] subcommand = \"", wanted, "\": must be one of ", joined(names, ", "),
                  "; `", program, " --help` explains them"));
  return 2;  // not reached: agree() throws
}

bool parse_together(Job& job, CLI::App& app, int argc, const char* const* argv) {
  std::string help;
  std::string error;
  try {
    help = parse_arguments(app, argc, argv);
  } catch (const ConfigError& problem) {
    error = problem.what();
  }
  agree(job.connect(), error);
  if (!help.empty() && job.rank() == 0) std::cout << help;
  return help.empty();
}

}  // namespace sterna::commands
