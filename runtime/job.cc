#include "runtime/job.h"

#include <algorithm>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"

namespace sterna {

Job::Job(int* argc, char*** argv) : argc_(argc), argv_(argv) {
  if (collectives::MpiSession::is_launched()) mpi_ = std::make_unique<collectives::MpiSession>(argc, argv);
}

collectives::Communicator& Job::connect(const std::string& transport, std::chrono::seconds time_limit) {
  if (!mpi_ && transport == "mpi") mpi_ = std::make_unique<collectives::MpiSession>(argc_, argv_);
  comm_ = mpi_ ? collectives::make_mpi(time_limit) : collectives::make_single();
  return *comm_;
}

int Job::give_up(int status) {
  if (mpi_ && (!comm_ || comm_->ranks() > 1)) mpi_->abort(status);
  return status;
}

void agree(collectives::Communicator& comm, const std::string& error) {
  const std::vector<std::string> errors = collectives::all_gather_text(comm, error);
  for (std::size_t rank = 0; rank < errors.size(); ++rank) {
    if (errors[rank].empty()) continue;
    const bool is_common =
        std::ranges::all_of(errors, [&](const std::string& e) { return e == errors[rank]; });
    throw AgreedConfigError(is_common ? errors[rank] : cat(errors[rank], " (on rank ", rank, ")"));
  }
}

}  // namespace sterna
