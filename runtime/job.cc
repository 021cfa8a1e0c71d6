#include "runtime/job.h"

#include <unistd.h>

#include <algorithm>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"

namespace sterna {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

}  // namespace

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

std::vector<std::string> learn_hosts(collectives::Communicator& comm) {
  std::vector<std::string> names = collectives::all_gather_text(comm, host_name());
  std::vector<int> host_of_rank;
  for (const std::string& name : names) {
    host_of_rank.push_back(static_cast<int>(std::ranges::find(names, name) - names.begin()));
  }
  comm.set_hosts(host_of_rank);
  return names;
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
