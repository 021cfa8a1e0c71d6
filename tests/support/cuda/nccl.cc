// NCCL's communicators and groups. Every rank of MPI_COMM_WORLD is in every communicator.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "runtime/collectives/nccl/api.h"
#include "runtime/core/errors.h"
#include "tests/support/cuda/nccl_operations.h"
#include "tests/support/cuda/stand_in.h"
#include "tests/support/cuda/state.h"

namespace sterna::cuda_stand_in {
namespace {

constexpr int kQuestionsInProgress = 3;

struct Injected {
  int operations_until = -1;
  Failure failure = Failure::kRemoteError;
  bool creation_hangs = false;
};

Injected& injected() {
  static Injected what;
  return what;
}

int group_depth = 0;
std::vector<Operation> group;

ncclResult_t wrong(ncclResult_t code, const std::string& what) {
  (void)mistake(cudaErrorInvalidValue, "NCCL: " + what);
  return code;
}

// Whether a call may be made on it now; reports what is wrong otherwise.
bool is_callable(ncclComm_t comm, const char* call) {
  if (comm == nullptr) {
    (void)wrong(ncclInvalidArgument, cat(call, ": no communicator"));
  } else if (comm->is_finalised) {
    (void)wrong(ncclInvalidUsage, cat(call, ": the communicator has been finalised"));
  } else if (comm->state == ncclInProgress) {
    (void)wrong(ncclInvalidUsage, cat(call, ": the communicator is in progress"));
  } else {
    return true;
  }
  return false;
}

void release_held(ncclComm& comm) {
  for (std::size_t i = 0; i < comm.held.size(); ++i) {
    const auto work = comm.held[i];
    (void)enqueue(comm.held_streams[i], [&comm, work] {
      if (!work->advance()) return false;
      --comm.works_left;
      return true;
    });
  }
  comm.held.clear();
  comm.held_streams.clear();
}

void go_on_with_creation(ncclComm& comm) {
  int flag = 0;
  MPI_Test(&comm.creation, &flag, MPI_STATUS_IGNORE);
  if (flag == 0) return;
  if (comm.ids.empty()) {
    comm.ids.assign(static_cast<std::size_t>(comm.ranks), comm.id);
    MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, comm.ids.data(), sizeof comm.id, MPI_BYTE, comm.mpi,
                   &comm.creation);
    return;
  }
  comm.state = ncclSuccess;
  if (std::ranges::all_of(comm.ids, [&](std::uint64_t id) { return id == comm.ids.front(); })) return;
  comm.state = wrong(ncclInvalidArgument, "ncclCommInitRankConfig: ranks have different unique ids");
}

// A question brings what is in progress forward.
void ask(ncclComm& comm) {
  if (comm.state != ncclInProgress || injected().creation_hangs) return;
  if (comm.creation != MPI_REQUEST_NULL) {
    go_on_with_creation(comm);
    return;
  }
  if (--comm.questions_left > 0) return;
  if (comm.is_finalised && comm.works_left > 0) {
    run_one_piece();
    return;
  }
  comm.state = ncclSuccess;
  release_held(comm);
}

ncclResult_t end_group() {
  if (group.empty()) return ncclSuccess;
  const std::vector<Operation> operations = std::exchange(group, {});
  ncclComm& comm = *operations.front().comm;
  const bool is_of_one = std::ranges::all_of(operations, [&](const Operation& operation) {
    return operation.comm == &comm && operation.stream == operations.front().stream;
  });
  if (!is_of_one) return wrong(ncclInvalidUsage, "a group over several communicators or streams");
  comm.held.push_back(std::make_shared<GroupWork>(operations));
  comm.held_streams.push_back(operations.front().stream);
  ++comm.works_left;
  comm.questions_left = kQuestionsInProgress;
  comm.state = ncclInProgress;
  if (!comm.is_blocking) return ncclInProgress;
  while (comm.state == ncclInProgress) ask(comm);
  return comm.state;
}

ncclResult_t add(Operation operation, const char* call) {
  ncclComm_t comm = operation.comm;
  if (!is_callable(comm, call)) return ncclInvalidUsage;
  const std::size_t bytes = operation.count * bytes_of(operation.type);
  if (bytes == 0)
    return wrong(ncclInvalidArgument, cat(call, ": no elements, or of a type that is not there"));
  for (const void* address : {operation.from, static_cast<const void*>(operation.to)}) {
    if (address == nullptr || is_device_memory(address, bytes)) continue;
    return wrong(ncclInvalidArgument, cat(call, ": ", bytes, " bytes are not in the device's memory"));
  }
  if (operation.peer < 0 || operation.peer >= comm->ranks) {
    return wrong(ncclInvalidArgument, cat(call, ": there is no rank ", operation.peer));
  }
  if (injected().operations_until >= 0 && injected().operations_until-- == 0) {
    operation.failure = injected().failure;
  }
  group.push_back(operation);
  return ncclSuccess;
}

ncclResult_t add_between_two(const Operation& operation, const char* call) {
  if (group_depth == 0)
    return wrong(ncclInvalidUsage, cat(call, ": outside a group, where its pair may wait for ever"));
  return add(operation, call);
}

}  // namespace

std::size_t& living_communicators() {
  static std::size_t number = 0;
  return number;
}

void fail_operation(int later, Failure failure) {
  injected().operations_until = later;
  injected().failure = failure;
}

void set_creation_hangs(bool hangs) {
  injected().creation_hangs = hangs;
}

}  // namespace sterna::cuda_stand_in

using namespace sterna::cuda_stand_in;
using sterna::cat;

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t code) {
  switch (code) {
    case ncclSuccess:
      return "no error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    default:
      return "unknown result code";
  }
}

const char* ncclGetLastError(ncclComm_t comm) {
  return comm == nullptr ? "" : comm->last_error.c_str();
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::random_device random;
  for (char& c : id->internal) c = static_cast<char>(random());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  int mpi_rank = 0;
  int mpi_ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &mpi_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &mpi_ranks);
  if (rank != mpi_rank || ranks != mpi_ranks) {
    return wrong(ncclInvalidArgument, cat("ncclCommInitRankConfig: rank ", rank, " of ", ranks,
                                          " in MPI's place ", mpi_rank, " of ", mpi_ranks));
  }
  *comm = new ncclComm{
      .rank = rank, .ranks = ranks, .is_blocking = config->blocking != 0, .state = ncclInProgress};
  std::memcpy(&(*comm)->id, id.internal, sizeof(*comm)->id);
  ++living_communicators();
  // One that is to hang is no business of MPI's, which would keep later ones behind it.
  if (!injected().creation_hangs) MPI_Comm_idup(MPI_COMM_WORLD, &(*comm)->mpi, &(*comm)->creation);
  if (!(*comm)->is_blocking) return ncclInProgress;
  while ((*comm)->state == ncclInProgress) ask(**comm);
  return (*comm)->state;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  if (comm == nullptr) return wrong(ncclInvalidArgument, "ncclCommGetAsyncError: no communicator");
  ask(*comm);
  *state = comm->state;
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  if (!is_callable(comm, "ncclCommFinalize")) return ncclInvalidUsage;
  comm->is_finalised = true;
  comm->state = ncclInProgress;
  comm->questions_left = kQuestionsInProgress;
  if (!comm->is_blocking) return ncclInProgress;
  while (comm->state == ncclInProgress) ask(*comm);
  return comm->state;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (comm == nullptr) return wrong(ncclInvalidArgument, "ncclCommDestroy: no communicator");
  if (!comm->is_finalised || comm->state == ncclInProgress || comm->works_left > 0) {
    return wrong(ncclInvalidUsage, "ncclCommDestroy: before ncclCommFinalize has come to its end");
  }
  --living_communicators();
  delete comm;  // its copy of MPI's communicator stays: to free it is collective
  return ncclSuccess;
}

// Work in a stream still looks at it, and so it stays.
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  if (comm == nullptr || comm->is_aborted)
    return wrong(ncclInvalidArgument, "ncclCommAbort: no communicator");
  comm->is_aborted = true;
  comm->held.clear();
  --living_communicators();
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (group_depth == 0) return wrong(ncclInvalidUsage, "ncclGroupEnd: no group has begun");
  return --group_depth > 0 ? ncclSuccess : end_group();
}

ncclResult_t ncclSend(const void* from, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add_between_two({.kind = Kind::kSend,
                          .from = from,
                          .to = nullptr,
                          .count = count,
                          .type = type,
                          .reduction = ncclSum,
                          .peer = peer,
                          .comm = comm,
                          .stream = stream},
                         "ncclSend");
}

ncclResult_t ncclRecv(void* to, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add_between_two({.kind = Kind::kReceive,
                          .from = nullptr,
                          .to = to,
                          .count = count,
                          .type = type,
                          .reduction = ncclSum,
                          .peer = peer,
                          .comm = comm,
                          .stream = stream},
                         "ncclRecv");
}

ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t reduction, ncclComm_t comm, cudaStream_t stream) {
  if (type != ncclFloat32 || reduction != ncclSum) {
    return wrong(ncclInvalidArgument, "ncclAllReduce: the stand-in has sums of float32 alone");
  }
  const ncclResult_t code = add({.kind = Kind::kAllReduce,
                                 .from = from,
                                 .to = to,
                                 .count = count,
                                 .type = type,
                                 .reduction = reduction,
                                 .peer = 0,
                                 .comm = comm,
                                 .stream = stream},
                                "ncclAllReduce");
  return code != ncclSuccess || group_depth > 0 ? code : end_group();
}

}  // extern "C"

namespace sterna::collectives {

// In the place of the library's own functions.
const NcclApi& nccl_api() {
  static constexpr NcclApi api{.get_version = ncclGetVersion,
                               .get_error_string = ncclGetErrorString,
                               .get_last_error = ncclGetLastError,
                               .get_unique_id = ncclGetUniqueId,
                               .comm_init_rank_config = ncclCommInitRankConfig,
                               .comm_get_async_error = ncclCommGetAsyncError,
                               .comm_finalize = ncclCommFinalize,
                               .comm_destroy = ncclCommDestroy,
                               .comm_abort = ncclCommAbort,
                               .group_start = ncclGroupStart,
                               .group_end = ncclGroupEnd,
                               .send = ncclSend,
                               .recv = ncclRecv,
                               .all_reduce = ncclAllReduce};
  return api;
}

}  // namespace sterna::collectives
