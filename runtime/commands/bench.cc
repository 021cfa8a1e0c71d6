#include <array>

#include "runtime/commands/commands.h"

namespace sterna::commands {
namespace {

constexpr std::array kBenches = {
    Command{"step", "one training step of a model: forward, backward, update", bench_step},
    Command{"codec", "a compressor's encode and decode, beside a plain add of the same length", bench_codec},
    Command{"collective", "the sum over all ranks; run under `mpirun -np P`", bench_collective},
};

}  // namespace

int bench(Job& job, int argc, const char* const* argv) {
  return dispatch("sterna bench", kBenches, job, argc, argv);
}

}  // namespace sterna::commands
