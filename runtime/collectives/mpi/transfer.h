// Blocks under way over MPI.
#pragma once

#include <mpi.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/collectives/communicator.h"
#include "runtime/collectives/failures.h"

namespace sterna::collectives {

// MPI counts in int. Longer blocks travel as several messages, which MPI keeps in order.
inline constexpr std::size_t kMaxMessageBytes = std::size_t{1} << 30;

// The whole job as one rank sees it.
struct MpiJob {
  MPI_Comm comm;
  int rank;
  int ranks;
  std::chrono::milliseconds time_limit;
  const std::atomic<bool>* is_abandoned;
};

class MpiTransfer : public Transfer {
 public:
  explicit MpiTransfer(const MpiJob& job) : job_(job) {}

  // Gives up what is unfinished: receives are cancelled, sends are left to MPI. This happens only on the way
  // to the job's end, for an error has left wait().
  ~MpiTransfer() override;
  MpiTransfer(const MpiTransfer&) = delete;
  MpiTransfer& operator=(const MpiTransfer&) = delete;

  void send(const SendBlock& block);
  void receive(const ReceiveBlock& block);

  // Takes part in a sum over all ranks, in place. Non-blocking, for the sake of the time limit.
  void sum(std::span<float> values);

  void wait() override;

 private:
  // Completes what can be completed without waiting. Returns how many requests that were, or -1 if none is
  // left.
  int test();
  void check_received(const AwaitedBlock& block, const MPI_Status& status) const;
  void throw_if_another_length_came(const AwaitedBlock& block) const;
  [[noreturn]] void give_up() const;
  MPI_Request& new_request(const AwaitedBlock& block);

  const MpiJob job_;
  std::vector<MPI_Request> requests_;  // MPI_REQUEST_NULL once complete
  std::vector<AwaitedBlock> blocks_;   // what each request is for
  std::vector<int> completed_;         // of the last test()
  std::vector<MPI_Status> statuses_;
};

}  // namespace sterna::collectives
