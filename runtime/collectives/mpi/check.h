// The return codes of MPI, as errors that name the call, this rank and its peer.
#pragma once

#include <string>

namespace sterna::collectives {

inline constexpr int kNoPeer = -1;

struct MpiCall {
  const char* name;    // "MPI_Irecv"
  int rank = kNoPeer;  // who called, where it is known already
  int peer = kNoPeer;  // with whom, where it is with one
};

// Throws CommError if `code` is not MPI_SUCCESS.
void check_mpi(int code, const MpiCall& call);

}  // namespace sterna::collectives
