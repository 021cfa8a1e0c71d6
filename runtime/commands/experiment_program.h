// `sterna train` as experiments know it.
#pragma once

#include "runtime/experiment/definition.h"

namespace sterna::commands {

// Its settings_of() checks all that can be checked without data and ranks: also names of compressors, models,
// data sets, optimizers and schedules, and their settings.
[[nodiscard]] experiment::Program this_program();

}  // namespace sterna::commands
