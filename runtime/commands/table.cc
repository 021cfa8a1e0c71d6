// Which subcommands there are.
#include <array>

#include "runtime/commands/commands.h"

namespace sterna::commands {
namespace {

constexpr std::array kBenches = {
    Command{"step", "one training step of a model: forward, backward, update", bench_step,
            describe_bench_step},
    Command{"codec", "a compressor's encode and decode, beside a plain add of the same length", bench_codec,
            describe_bench_codec},
    Command{"collective", "the sum over all ranks; run under `mpirun -np P`", bench_collective,
            describe_bench_collective},
};

constexpr std::array kCommands = {
    Command{"train", "trains; run alone or under `mpirun -np P`", train, describe_train},
    Command{"replay", "runs a compressor over recorded gradients, offline", replay, describe_replay},
    Command{"project", "what a measured run would take on other numbers of ranks and other links", project,
            describe_project},
    Command{"list", "models, data sets, compressors, optimizers, transports of this build", list,
            describe_list},
    Command{"bench", "compressors, collectives, model steps, measured on this machine", bench, nullptr,
            kBenches},
    Command{"doctor", "whether a job would run well where it was started, link by link", doctor,
            describe_doctor},
    Command{"experiment", "trains the variants of an experiment with several seeds, and compares them",
            experiment, describe_experiment},
    Command{"report", "what logs and experiments say, as one HTML page or Markdown tables", report,
            describe_report},
    Command{"completion", "", completion},
    Command{"manual", "", manual},
};

}  // namespace

std::span<const Command> command_table() {
  return kCommands;
}

std::span<const Command> bench_table() {
  return kBenches;
}

}  // namespace sterna::commands
