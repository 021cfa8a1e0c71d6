#include "tests/support/cuda/nccl_operations.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/core/errors.h"

namespace sterna::cuda_stand_in {
namespace {

constexpr int kTag = 1;

// Runs that were aborted leave their buffers to MPI, which may still look at them.
std::vector<std::vector<std::byte>>& abandoned_bytes() {
  static std::vector<std::vector<std::byte>> all;
  return all;
}

bool is_complete(MPI_Request& request) {
  int flag = 0;
  MPI_Test(&request, &flag, MPI_STATUS_IGNORE);
  return flag != 0;
}

}  // namespace

std::size_t bytes_of(ncclDataType_t type) {
  if (type == ncclUint8) return 1;
  return type == ncclFloat32 ? 4 : 0;
}

GroupWork::~GroupWork() {
  for (Running& running : running_) {
    if (running.request != MPI_REQUEST_NULL) abandoned_bytes().push_back(std::move(running.bytes));
  }
}

GroupWork::Call GroupWork::call_of(const Operation& operation) {
  return {.kind = operation.kind == Kind::kReceive ? Kind::kSend : operation.kind,
          .count = operation.count,
          .type = static_cast<std::uint64_t>(operation.type),
          .reduction = static_cast<std::uint64_t>(operation.reduction)};
}

void GroupWork::refuse(const Operation& operation, const std::string& what) {
  (void)mistake(cudaErrorInvalidValue, cat("NCCL, rank ", operation.comm->rank, ": ", what));
  operation.comm->state = ncclInvalidUsage;
  operation.comm->last_error = what;
}

void GroupWork::begin() {
  has_begun_ = true;
  for (Operation& operation : operations_) {
    if (operation.failure == Failure::kRemoteError) {
      operation.comm->state = ncclRemoteError;
      operation.comm->last_error = "injected by the test";
    }
    running_.push_back({.operation = operation});
  }
  for (Running& running : running_) {
    if (running.operation.failure) continue;
    if (running.operation.kind == Kind::kSend) begin_send(running);
    if (running.operation.kind == Kind::kAllReduce) begin_all_reduce(running);
  }
}

// Synchronous: it is complete when its receive has begun. A buffer would hide sends that nobody awaits.
void GroupWork::begin_send(Running& running) {
  const Operation& operation = running.operation;
  const std::size_t bytes = operation.count * bytes_of(operation.type);
  const std::byte* const data = behind(operation.from, bytes);
  if (data == nullptr) return;
  const Call call = call_of(operation);
  running.bytes.resize(sizeof call + bytes);
  std::memcpy(running.bytes.data(), &call, sizeof call);
  std::memcpy(running.bytes.data() + sizeof call, data, bytes);
  running.stage = Running::Stage::kMatched;
  MPI_Issend(running.bytes.data(), static_cast<int>(running.bytes.size()), MPI_BYTE, operation.peer, kTag,
             operation.comm->mpi, &running.request);
}

void GroupWork::begin_all_reduce(Running& running) {
  const Operation& operation = running.operation;
  running.calls.assign(static_cast<std::size_t>(operation.comm->ranks), call_of(operation));
  running.stage = Running::Stage::kMatched;
  MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, running.calls.data(), sizeof(Call), MPI_BYTE,
                 operation.comm->mpi, &running.request);
}

bool GroupWork::is_first_of_peer(const Running& running) const {
  for (const Running& earlier : running_) {
    if (&earlier == &running) return true;
    const bool is_of_peer =
        earlier.operation.kind == Kind::kReceive && earlier.operation.peer == running.operation.peer;
    if (is_of_peer && earlier.stage == Running::Stage::kWaiting) return false;
  }
  return true;
}

void GroupWork::advance_receive(Running& running) {
  const Operation& operation = running.operation;
  if (running.stage == Running::Stage::kWaiting && is_first_of_peer(running)) {
    int has_come = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    MPI_Improbe(operation.peer, kTag, operation.comm->mpi, &has_come, &message, &status);
    if (has_come == 0) return;
    int bytes = 0;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    running.bytes.resize(static_cast<std::size_t>(bytes));
    MPI_Imrecv(running.bytes.data(), bytes, MPI_BYTE, &message, &running.request);
    running.stage = Running::Stage::kMatched;
  }
  if (running.stage == Running::Stage::kMatched && is_complete(running.request)) finish_receive(running);
}

void GroupWork::finish_receive(Running& running) {
  const Operation& operation = running.operation;
  Call sent{};
  std::memcpy(&sent, running.bytes.data(), sizeof sent);
  if (sent.count != operation.count || sent.type != static_cast<std::uint64_t>(operation.type)) {
    refuse(operation, cat("rank ", operation.peer, " sends ", sent.count, " elements of type ", sent.type,
                          ", ", operation.count, " of type ", operation.type, " are awaited"));
    return;
  }
  const std::size_t bytes = running.bytes.size() - sizeof sent;
  std::byte* const data = behind(operation.to, bytes);
  if (data == nullptr) return;
  std::memcpy(data, running.bytes.data() + sizeof sent, bytes);
  running.stage = Running::Stage::kDone;
}

void GroupWork::advance_all_reduce(Running& running) {
  if (!is_complete(running.request)) return;
  const Operation& operation = running.operation;
  if (running.stage == Running::Stage::kReducing) {
    running.stage = Running::Stage::kDone;
    return;
  }
  const bool is_same = std::ranges::all_of(running.calls, [&](const Call& call) {
    return std::memcmp(&call, &running.calls.front(), sizeof call) == 0;
  });
  if (!is_same) {
    refuse(operation, "ncclAllReduce: ranks differ in count, type or operation");
    return;
  }
  const std::size_t bytes = operation.count * bytes_of(operation.type);
  std::byte* const to = behind(operation.to, bytes);
  const std::byte* const from = behind(operation.from, bytes);
  if (to == nullptr || from == nullptr) return;
  std::memmove(to, from, bytes);
  running.stage = Running::Stage::kReducing;
  MPI_Iallreduce(MPI_IN_PLACE, to, static_cast<int>(operation.count), MPI_FLOAT, MPI_SUM, operation.comm->mpi,
                 &running.request);
}

bool GroupWork::advance() {
  if (operations_.front().comm->is_aborted) return true;
  if (!has_begun_) begin();
  bool is_done = true;
  for (Running& running : running_) {
    const bool has_failed =
        running.operation.comm->state != ncclSuccess && running.operation.comm->state != ncclInProgress;
    if (running.operation.failure || has_failed) return false;
    if (running.stage == Running::Stage::kDone) continue;
    if (running.operation.kind == Kind::kReceive) advance_receive(running);
    if (running.operation.kind == Kind::kAllReduce) advance_all_reduce(running);
    if (running.operation.kind == Kind::kSend && running.stage == Running::Stage::kMatched &&
        is_complete(running.request)) {
      running.stage = Running::Stage::kDone;
    }
    is_done = is_done && running.stage == Running::Stage::kDone;
  }
  return is_done;
}

}  // namespace sterna::cuda_stand_in
