// This process among the ranks of its job: one communicator for all that a subcommand does.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "runtime/collectives/make_communicator.h"

namespace sterna {

class Job {
 public:
  // Joins the other ranks where a launcher started this process.
  Job(int* argc, char*** argv);

  // Every subcommand calls it once, on every rank. Collective.
  //   transport      auto, mpi or nccl; without a launcher, auto is this one process
  //   prefers_nccl   auto takes nccl where every rank prefers it and it is to be had; else mpi
  // Throws AgreedConfigError where nccl is asked for and not to be had; rank() is known by then.
  collectives::Communicator& connect(const std::string& transport, bool prefers_nccl,
                                     std::chrono::seconds time_limit);

  // As connect(), after a command line that could not be read: enough to agree that it could not.
  collectives::Communicator& connect() { return connect("auto", false, collectives::kDefaultTimeLimit); }

  [[nodiscard]] collectives::Communicator& comm() { return nccl_ ? *nccl_ : *comm_; }  // after connect()

  // 0 until connect().
  [[nodiscard]] int rank() const { return comm_ ? comm_->rank() : 0; }

  // Ends the job: on all ranks, if there are others. Returns the status where there are none.
  int give_up(int status);

 private:
  // None where the ranks do not have what it takes: a GPU each, a driver, NCCL's library.
  [[nodiscard]] std::unique_ptr<collectives::Communicator> try_nccl(bool is_preferred,
                                                                    std::chrono::seconds time_limit);

  int* argc_;
  char*** argv_;
  std::unique_ptr<collectives::MpiSession> mpi_;
  std::unique_ptr<collectives::Communicator> comm_;
  std::unique_ptr<collectives::Communicator> nccl_;  // beside comm_, over which it was made
};

}  // namespace sterna
