#include "runtime/job.h"

namespace sterna {
Job::Job(int* argc, char*** argv) : argc_(argc), argv_(argv) {
  if (collectives::MpiSession::is_launched()) mpi_ = std::make_unique<collectives::MpiSession>(argc, argv);
}

collectives::Communicator& Job::connect(const std::string& transport, std::chrono::seconds time_limit) {
  if (!mpi_ && transport != "auto") mpi_ = std::make_unique<collectives::MpiSession>(argc_, argv_);
  comm_ = mpi_ ? collectives::make_mpi(time_limit) : collectives::make_single();
  if (transport == "nccl") nccl_ = collectives::make_nccl(*comm_, time_limit);
  return comm();
}

int Job::give_up(int status) {
  if (mpi_ && (!comm_ || comm_->ranks() > 1)) mpi_->abort(status);
  return status;
}

}  // namespace sterna
