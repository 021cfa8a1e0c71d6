#include "runtime/collectives/mpi/check.h"

#include <mpi.h>

#include <array>
#include <cstddef>

#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

std::string text_of(int code) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int characters = 0;
  if (MPI_Error_string(code, text.data(), &characters) != MPI_SUCCESS) return cat("error code ", code);
  return std::string(text.data(), static_cast<std::size_t>(characters));
}

}  // namespace

void check_mpi(int code, const MpiCall& call) {
  if (code == MPI_SUCCESS) return;
  const std::string rank = call.rank == kNoPeer ? "" : cat(" rank ", call.rank, ":");
  const std::string peer = call.peer == kNoPeer ? "" : cat(" with rank ", call.peer);
  throw CommError(cat("[mpi]", rank, " ", call.name, peer, " failed: ", text_of(code)));
}

}  // namespace sterna::collectives
