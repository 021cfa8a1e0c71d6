#include "runtime/collectives/mpi/transfer.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "runtime/collectives/mpi/check.h"
#include "runtime/core/errors.h"
#include "runtime/core/scheduling.h"

namespace sterna::collectives {
namespace {

// Messages of different lengths have different tags, so that they do not match: Open MPI writes a message
// that is longer than its receive past the end before it reports the error. Both ends post in the same order,
// so that those of equal length match in order. MPI promises tags up to 32767; lengths that share one are
// 32749 bytes apart.
int tag_of(std::size_t bytes) {
  constexpr std::size_t kTags = 32749;
  return static_cast<int>(bytes % kTags);
}

// Tests before a waiting rank gives the processor to others: a block that is on its way in shared memory
// arrives within some of them. It sleeps then and does not yield: a thread that yields to one that computes
// comes back when that one's slice is over, milliseconds later; one that sleeps, when its time is up.
constexpr int kTestsBeforeSleep = 50;

// The longer nothing has come, the longer the sleep: what a wait costs more is a sixty-fourth of it at most.
// Each test asks the kernel about the connections to all ranks, so that many ranks on few cores, each awake
// every 20 us, keep the cores busy with asking: 32 ranks on 8 hosts that share two made no step in 40 s. The
// most is what a link of 1 Gbit/s needs to carry some 100 kB, which its buffers hold.
constexpr std::chrono::microseconds kLeastSleep{20};
constexpr std::chrono::microseconds kMostSleep{1000};

std::chrono::microseconds sleep_after(std::chrono::steady_clock::duration waited) {
  return std::clamp(std::chrono::duration_cast<std::chrono::microseconds>(waited / 64), kLeastSleep,
                    kMostSleep);
}

// Calls each(offset, bytes) for the messages of a block.
template <typename Each>
void for_each_message(std::size_t block_bytes, const Each& each) {
  for (std::size_t offset = 0; offset < block_bytes; offset += kMostMessageBytes) {
    each(offset, std::min(kMostMessageBytes, block_bytes - offset));
  }
}

}  // namespace

MpiTransfer::~MpiTransfer() {
  if (has_succeeded_) return;
  *job_.has_given_up = true;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    // A sum over all ranks can be neither cancelled nor freed.
    if (requests_[i] == MPI_REQUEST_NULL || messages_[i].awaited.peer == kAllRanks) continue;
    if (messages_[i].awaited.is_receive) MPI_Cancel(&requests_[i]);
    MPI_Request_free(&requests_[i]);
  }
}

MPI_Request& MpiTransfer::new_request(const Message& message) {
  messages_.push_back(message);
  return requests_.emplace_back(MPI_REQUEST_NULL);
}

void MpiTransfer::send(const SendBlock& block) {
  for_each_message(block.bytes.size(), [&](std::size_t offset, std::size_t bytes) {
    MPI_Request& request = new_request({.awaited = {.peer = block.peer, .bytes = bytes, .is_receive = false},
                                        .offset = offset,
                                        .block_bytes = block.bytes.size()});
    check_mpi(MPI_Isend(block.bytes.data() + offset, static_cast<int>(bytes), MPI_BYTE, block.peer,
                        tag_of(bytes), job_.comm, &request),
              {.name = "MPI_Isend", .rank = job_.rank, .peer = block.peer});
  });
}

void MpiTransfer::receive(const ReceiveBlock& block) {
  for_each_message(block.bytes.size(), [&](std::size_t offset, std::size_t bytes) {
    MPI_Request& request = new_request({.awaited = {.peer = block.peer, .bytes = bytes, .is_receive = true},
                                        .offset = offset,
                                        .block_bytes = block.bytes.size()});
    check_mpi(MPI_Irecv(block.bytes.data() + offset, static_cast<int>(bytes), MPI_BYTE, block.peer,
                        tag_of(bytes), job_.comm, &request),
              {.name = "MPI_Irecv", .rank = job_.rank, .peer = block.peer});
  });
}

void MpiTransfer::sum(std::span<float> values) {
  MPI_Request& request =
      new_request({.awaited = {.peer = kAllRanks, .bytes = values.size_bytes(), .is_receive = false},
                   .offset = 0,
                   .block_bytes = values.size_bytes()});
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM,
                           job_.comm, &request),
            {.name = "MPI_Iallreduce", .rank = job_.rank});
}

void MpiTransfer::wait() {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + job_.time_limit;
  completed_.resize(requests_.size());
  statuses_.resize(requests_.size());
  std::optional<PreciseSleeps> precise_sleeps;  // from the first sleep on: what needs none pays nothing
  int tests_in_vain = 0;
  auto idle_since = steady_clock::now();
  for (int completed = test(); completed >= 0; completed = test()) {
    if (completed > 0) {
      tests_in_vain = 0;
      idle_since = steady_clock::now();
    }
    if (++tests_in_vain < kTestsBeforeSleep) continue;
    if (*job_.is_abandoned) throw abandoned(job_.rank);
    const auto now = steady_clock::now();
    if (now > deadline) give_up();
    if (!precise_sleeps) precise_sleeps.emplace();
    std::this_thread::sleep_for(sleep_after(now - idle_since));
  }
  has_succeeded_ = true;
}

int MpiTransfer::test() {
  int completed = 0;
  const int code = MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &completed,
                                completed_.data(), statuses_.data());
  if (code != MPI_ERR_IN_STATUS) check_mpi(code, {.name = "MPI_Testsome", .rank = job_.rank});
  if (completed == MPI_UNDEFINED) return -1;
  for (int i = 0; i < completed; ++i) {
    MPI_Status& status = statuses_[static_cast<std::size_t>(i)];
    if (code == MPI_SUCCESS) status.MPI_ERROR = MPI_SUCCESS;  // MPI writes it only where there is an error
    check_received(messages_[static_cast<std::size_t>(completed_[static_cast<std::size_t>(i)])], status);
  }
  return completed;
}

void MpiTransfer::check_received(const Message& message, const MPI_Status& status) const {
  const AwaitedBlock& awaited = message.awaited;
  int error_class = MPI_SUCCESS;
  if (status.MPI_ERROR != MPI_SUCCESS) MPI_Error_class(status.MPI_ERROR, &error_class);
  if (error_class == MPI_ERR_TRUNCATE)
    throw wrong_length(job_.rank, awaited.peer, "more", message.block_bytes);
  const char* call = awaited.is_receive          ? "MPI_Irecv"
                     : awaited.peer == kAllRanks ? "MPI_Iallreduce"
                                                 : "MPI_Isend";
  check_mpi(status.MPI_ERROR, {.name = call, .rank = job_.rank, .peer = awaited.peer});
  if (!awaited.is_receive) return;
  int bytes = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &bytes), {"MPI_Get_count", job_.rank, awaited.peer});
  if (static_cast<std::size_t>(bytes) != awaited.bytes) throw_other_length(message, bytes);
}

// A message of the peer that matches no receive: its length is not the one that is expected here.
void MpiTransfer::throw_if_another_length_came(const Message& message) const {
  const AwaitedBlock& awaited = message.awaited;
  if (!awaited.is_receive) return;
  int has_come = 0;
  MPI_Status status;
  check_mpi(MPI_Iprobe(awaited.peer, MPI_ANY_TAG, job_.comm, &has_come, &status),
            {.name = "MPI_Iprobe", .rank = job_.rank, .peer = awaited.peer});
  if (has_come == 0) return;
  int bytes = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &bytes), {"MPI_Get_count", job_.rank, awaited.peer});
  throw_other_length(message, bytes);
}

// Of blocks that agree in front: their last messages differ, or one block goes on where the other ends.
void MpiTransfer::throw_other_length(const Message& message, int came) const {
  const std::size_t length = message.offset + static_cast<std::size_t>(came);
  const bool may_go_on = static_cast<std::size_t>(came) == kMostMessageBytes;
  throw wrong_length(job_.rank, message.awaited.peer, cat(may_go_on ? "at least " : "", length),
                     message.block_bytes);
}

void MpiTransfer::give_up() const {
  std::vector<AwaitedBlock> awaited;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i] == MPI_REQUEST_NULL) continue;
    throw_if_another_length_came(messages_[i]);
    awaited.push_back(messages_[i].awaited);
  }
  throw time_limit_is_over(job_.rank, job_.time_limit, awaited);
}

}  // namespace sterna::collectives
