#include "library/world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "runtime/collectives/hosts.h"
#include "runtime/core/errors.h"

namespace sterna {

using collectives::MpiSession;

namespace {

// Longer than anybody waits, and short enough to be added to a clock's nanoseconds, which 64 bits count.
constexpr std::chrono::milliseconds kLongestTimeLimit = std::chrono::years(10);

// What MPI_Abort and _Exit leave undone.
void flush_output() noexcept {
  try {
    for (std::ostream* stream : {&std::cout, &std::cerr, &std::clog}) stream->flush();
  } catch (const std::exception&) {
    // The program has told the stream to throw; the process ends all the same.
  }
  std::fflush(nullptr);
}

}  // namespace

World::Implementation::Implementation(std::chrono::milliseconds limit)
    : time_limit(std::min(limit, kLongestTimeLimit)) {
  if (time_limit <= time_limit.zero()) {
    throw ConfigError(cat("[world] time limit = ", time_limit.count(), " ms: must be more than 0"));
  }
  const MpiSession::State mpi = MpiSession::state();
  if (mpi == MpiSession::State::kFinalised) {
    throw ConfigError(
        "[world] MPI has been finalised in this process, and cannot be initialised again: make one World, "
        "and "
        "keep it until the last exchange is over");
  }
  if (mpi == MpiSession::State::kNotInitialised && MpiSession::is_launched()) {
    session = std::make_unique<MpiSession>(nullptr, nullptr);
  }
  const bool is_alone = mpi == MpiSession::State::kNotInitialised && !session;
  comm = is_alone ? collectives::make_single() : collectives::make_mpi(time_limit);
  (void)collectives::learn_hosts(*comm);
}

World::World(std::chrono::milliseconds time_limit)
    : implementation_(std::make_unique<Implementation>(time_limit)) {}

// As an Exchange: sums are received in the communicator's memory.
World::~World() {
  if (implementation_->comm->has_given_up()) static_cast<void>(implementation_->comm.release());
}

int World::rank() const noexcept {
  return implementation_->comm->rank();
}

int World::ranks() const noexcept {
  return implementation_->comm->ranks();
}

void World::abort(int status) const noexcept {
  flush_output();
  if (implementation_->comm->name() == "mpi") MpiSession::abort(status);
  std::_Exit(status);
}

}  // namespace sterna
