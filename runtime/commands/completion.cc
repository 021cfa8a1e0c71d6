// `sterna completion SHELL` and `sterna manual DATE`: what the build installs for shells and for man(1). Not
// in the list of commands, for nobody needs them twice.
#include <iostream>

#include "runtime/collectives/agreement.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/description.h"

namespace sterna::commands {

int completion(Job& job, int argc, const char* const* argv) {
  CLI::App app("Writes a shell's completion of this program.", "sterna completion");
  std::string shell;
  app.add_option("shell", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  if (!parse_together(job, app, argc, argv) || job.rank() != 0) return 0;
  if (shell == "bash") std::cout << bash_completion();
  if (shell == "zsh") std::cout << zsh_completion();
  if (shell == "fish") std::cout << fish_completion();
  return 0;
}

int manual(Job& job, int argc, const char* const* argv) {
  CLI::App app("Writes the source of this program's man page.", "sterna manual");
  std::string date;
  app.add_option("date", date, "of the page, YYYY-MM-DD")->required();
  if (parse_together(job, app, argc, argv) && job.rank() == 0) std::cout << man_page(date);
  return 0;
}

}  // namespace sterna::commands
