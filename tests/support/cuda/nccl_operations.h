// What a group of NCCL calls does when its stream comes to it, over MPI.
#pragma once

#include <mpi.h>
#include <nccl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/cuda/stand_in.h"

namespace sterna::cuda_stand_in {

enum class Kind : std::uint64_t { kSend, kReceive, kAllReduce };

// One call, with the device's addresses.
struct Operation {
  Kind kind;
  const void* from;
  void* to;
  std::size_t count;
  ncclDataType_t type;
  ncclRedOp_t reduction;
  int peer;
  ncclComm_t comm;
  cudaStream_t stream;
  std::optional<Failure> failure = std::nullopt;
};

[[nodiscard]] std::size_t bytes_of(ncclDataType_t type);  // 0: not one that the stand-in has

// Work for a stream. Operations of one group run side by side, those with one peer in their order.
class GroupWork {
 public:
  explicit GroupWork(std::vector<Operation> operations) : operations_(std::move(operations)) {}
  ~GroupWork();

  // Goes on as far as it can without waiting; true when all is done, or the communicator has been aborted.
  [[nodiscard]] bool advance();

 private:
  // What goes before the bytes of a send, and what all ranks must agree on in an all-reduce.
  struct Call {
    Kind kind;
    std::uint64_t count;
    std::uint64_t type;
    std::uint64_t reduction;
  };
  struct Running {
    Operation operation;
    std::vector<std::byte> bytes = {};  // sent, or received: the call, then the data
    std::vector<Call> calls = {};       // of all ranks
    MPI_Request request = MPI_REQUEST_NULL;
    enum class Stage { kWaiting, kMatched, kReducing, kDone } stage = Stage::kWaiting;
  };

  void begin();
  void begin_send(Running& running);
  void begin_all_reduce(Running& running);
  void advance_receive(Running& running);
  void finish_receive(Running& running);
  void advance_all_reduce(Running& running);
  void refuse(const Operation& operation, const std::string& what);
  [[nodiscard]] bool is_first_of_peer(const Running& running) const;
  [[nodiscard]] static Call call_of(const Operation& operation);

  std::vector<Operation> operations_;
  std::vector<Running> running_;
  bool has_begun_ = false;
};

}  // namespace sterna::cuda_stand_in

// The runtime's own name, declared in nccl.h.
struct ncclComm {
  MPI_Comm mpi = MPI_COMM_NULL;
  MPI_Request creation = MPI_REQUEST_NULL;
  std::uint64_t id = 0;                 // of this rank
  std::vector<std::uint64_t> ids = {};  // of all ranks
  int rank = 0;
  int ranks = 0;
  bool is_blocking = true;
  bool is_aborted = false;
  bool is_finalised = false;
  ncclResult_t state = ncclSuccess;
  std::string last_error = {};
  // What begins when the state has been asked for often enough.
  std::vector<std::shared_ptr<sterna::cuda_stand_in::GroupWork>> held = {};
  std::vector<cudaStream_t> held_streams = {};
  int questions_left = 0;
  std::size_t works_left = 0;  // held, or in a stream
};
