// The life of MPI in this process.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>

#include "runtime/collectives/make_communicator.h"
#include "runtime/collectives/mpi/check.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// srun without a --mpi starts as many processes as it is told, none of which knows of the others.
void require_no_silent_srun() {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  if (tasks == nullptr || std::atoi(tasks) <= 1) return;
  throw ConfigError(cat("[mpi] srun: has started ", tasks,
                        " tasks without MPI, of which each would be a job of its own; try srun --mpi=pmix, "
                        "or unset SLURM_STEP_NUM_TASKS where that is meant"));
}

}  // namespace

// Serialised, not funnelled: communication may move to a thread of its own, one at a time. A library that
// offers less is used all the same, for today the thread that initialises is the one that communicates.
MpiSession::MpiSession(int* argc, char*** argv) {
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &provided), {.name = "MPI_Init_thread"});
}

// MPI_Finalize waits for all ranks. A rank that leaves with an exception must not: the launcher sees it exit
// without MPI_Finalize, and ends the others.
MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() == 0) MPI_Finalize();
}

void MpiSession::abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

MpiSession::State MpiSession::state() {
  int is_so = 0;
  check_mpi(MPI_Finalized(&is_so), {.name = "MPI_Finalized"});
  if (is_so != 0) return State::kFinalised;
  check_mpi(MPI_Initialized(&is_so), {.name = "MPI_Initialized"});
  return is_so != 0 ? State::kRunning : State::kNotInitialised;
}

bool MpiSession::is_launched() {
  constexpr std::array kSetByLaunchers = {
      "OMPI_COMM_WORLD_SIZE",  // Open MPI's mpirun
      "PMIX_RANK",             // srun --mpi=pmix
      "PMI_RANK",              // srun --mpi=pmi2, MPICH's mpiexec
      "PMI_SIZE",
      "MV2_COMM_WORLD_SIZE",  // MVAPICH2's mpirun_rsh
  };
  const bool is_so =
      std::ranges::any_of(kSetByLaunchers, [](const char* name) { return std::getenv(name) != nullptr; });
  if (!is_so) require_no_silent_srun();
  return is_so;
}

std::string MpiSession::library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int characters = 0;
  check_mpi(MPI_Get_library_version(text.data(), &characters), {.name = "MPI_Get_library_version"});
  const std::string version(text.data());  // Open MPI counts the final zero among its characters
  return version.substr(0, version.find('\n'));
}

}  // namespace sterna::collectives
