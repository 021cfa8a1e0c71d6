// One optimizer step: the whole way of a gradient.
#pragma once

#include <cstdint>

#include "runtime/record/records.h"

namespace sterna {

struct Run;

// Collective: every rank calls it for the same step. Throws DivergedError, WireError, CommError.
record::StepRecord train_step(Run& run, std::uint64_t step);

}  // namespace sterna
