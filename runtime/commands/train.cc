#include <iostream>

#include "runtime/collectives/agreement.h"
#include "runtime/commands/commands.h"
#include "runtime/config.h"
#include "runtime/core/errors.h"
#include "runtime/device_choice.h"
#include "runtime/run.h"

namespace sterna::commands {

void describe_train(const AppVisitor& visit) {
  TrainConfig config;
  visit(*make_train_app(config));
}

int train(Job& job, int argc, const char* const* argv) {
  TrainConfig config;
  std::string help;
  std::string error;
  try {
    help = parse_train_arguments(argc, argv, config);
    if (help.empty()) validate(config);
  } catch (const ConfigError& problem) {
    error = problem.what();
    config = {};
  }
  const bool prefers_nccl = config.device == "cuda" && why_not_between_gpus(config).empty();
  collectives::Communicator& comm =
      job.connect(config.transport, prefers_nccl, std::chrono::seconds(config.timeout_seconds));
  agree(comm, error);
  if (!help.empty()) {
    if (comm.rank() == 0) std::cout << help;
    return 0;
  }
  (void)sterna::train(config, comm);
  return 0;
}

}  // namespace sterna::commands
