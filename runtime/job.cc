#include "runtime/job.h"

#include <algorithm>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"

namespace sterna {

Job::Job(int* argc, char*** argv) : argc_(argc), argv_(argv) {
  if (collectives::MpiSession::is_launched()) mpi_ = std::make_unique<collectives::MpiSession>(argc, argv);
}

std::unique_ptr<collectives::Communicator> Job::try_nccl(bool is_preferred, std::chrono::seconds time_limit) {
  if (comm_->ranks() == 1) return nullptr;
  const std::vector<std::string> by_rank = collectives::all_gather_text(*comm_, is_preferred ? "nccl" : "");
  if (!std::ranges::all_of(by_rank, [](const std::string& rank) { return rank == "nccl"; })) return nullptr;
  try {
    return collectives::make_nccl(*comm_, time_limit);
  } catch (const AgreedConfigError&) {
    return nullptr;  // on every rank
  }
}

collectives::Communicator& Job::connect(const std::string& transport, bool prefers_nccl,
                                        std::chrono::seconds time_limit) {
  if (!mpi_ && transport != "auto") mpi_ = std::make_unique<collectives::MpiSession>(argc_, argv_);
  comm_ = mpi_ ? collectives::make_mpi(time_limit) : collectives::make_single();
  if (transport == "nccl") nccl_ = collectives::make_nccl(*comm_, time_limit);
  if (transport == "auto") nccl_ = try_nccl(prefers_nccl, time_limit);
  return comm();
}

int Job::give_up(int status) {
  if (mpi_ && (!comm_ || comm_->ranks() > 1)) mpi_->abort(status);
  return status;
}

}  // namespace sterna
