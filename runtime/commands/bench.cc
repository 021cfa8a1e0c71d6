#include "runtime/commands/commands.h"

namespace sterna::commands {

int bench(Job& job, int argc, const char* const* argv) {
  return dispatch("sterna bench", bench_table(), job, argc, argv);
}

}  // namespace sterna::commands
